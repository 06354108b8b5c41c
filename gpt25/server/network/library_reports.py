"""What the libraries below a server log, as lines of the server's own."""

import contextlib
import logging
from collections.abc import Callable, Iterator

_LIBRARIES = ("uvicorn", "asyncio")


@contextlib.contextmanager
def library_reports(report: Callable[[str], None]) -> Iterator[None]:
    """Hand warnings and errors of uvicorn and asyncio to `report`.

    Python would else write them to standard error itself, in the event loop: a pipe that nobody reads would then stop
    the server. A line holds the message without its values, and of an exception only what kind it is.
    """
    handler = _ToReport(report)
    loggers = [logging.getLogger(name) for name in _LIBRARIES]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


class _ToReport(logging.Handler):
    """Passes records on."""

    def __init__(self, report: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        """Say one record."""
        kind = record.exc_info[0] if record.exc_info else None
        what = str(record.msg).partition("\n")[0]
        self._report(f"{record.name}: {what}" + (f" ({kind.__name__})" if kind else ""))
