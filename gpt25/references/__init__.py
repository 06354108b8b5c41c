"""Published figures, each with its definition and its source, written down once. Import what you need from its file."""
