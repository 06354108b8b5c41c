"""`python -m gpt25` is the command `gpt25`; torchrun starts it this way."""

from gpt25.cli.main import entry_point

if __name__ == "__main__":
    entry_point()
