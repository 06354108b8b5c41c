"""`python -m gpt25` is the command `gpt25`; torchrun starts it this way."""

from gpt25.cli.start import start

if __name__ == "__main__":
    start()
