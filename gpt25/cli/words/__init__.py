"""What was typed and what is said of it: words without content, the flag that a complaint is about, plain help."""
