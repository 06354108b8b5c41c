"""The package's own warnings as notes of a command, as logging.captureWarnings does it for a logger."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import TextIO

from gpt25.cli.output import Output
from gpt25.errors import GPT25Warning


@contextlib.contextmanager
def captured_warnings(output: Output) -> Iterator[None]:
    """Inside, every GPT25Warning is a line of `output.note`; all other warnings go where they went before."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", GPT25Warning)
        before = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, GPT25Warning):
                output.note(str(message))
            else:
                before(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield
