"""OpenAI's original release in TensorFlow's format, read only."""
