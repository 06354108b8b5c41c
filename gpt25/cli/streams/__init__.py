"""The process's standard streams and its first moments: what is true of every command before it says a word."""
