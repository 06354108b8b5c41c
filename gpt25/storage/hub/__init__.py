"""The Hugging Face Hub through its own client: whether it answers, what went wrong in one line, and its bar."""
