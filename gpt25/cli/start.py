"""What the installed command calls: the command line, imported so that Ctrl-C meets no half of it."""

from gpt25.cli.streams.interrupted_imports import end_interrupted_imports


def start() -> None:
    """Import the command line and hand the process over to it; does not return."""
    end_interrupted_imports()
    from gpt25.cli.main import entry_point

    entry_point()
