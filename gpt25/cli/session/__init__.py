"""A session at the terminal: texts that a model writes while somebody watches, steers and takes them back."""
