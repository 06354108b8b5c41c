"""A server as a process: from a port to a signal."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping

from gpt25.errors import Interrupted
from gpt25.generation import GeneratingPrecision
from gpt25.server.network.library_reports import library_reports
from gpt25.server.network.listening_socket import listening_socket
from gpt25.server.network.report_queue import ReportQueue
from gpt25.server.serving import Serving
from gpt25.server.serving_settings import ServingSettings


def serve(
    words: Mapping[str, str],
    *,
    precision: GeneratingPrecision,
    settings: ServingSettings,
    announce: Callable[[str], None],
    report: Callable[[str], None],
) -> None:
    """Serve models until a signal; does not return otherwise.

    words: by name, the MODEL. announce: is told the address when all models are loaded. report: what happens besides.
    While models are still being loaded a signal ends the process itself: torch in a thread bears no shutdown of Python.
    Raises Interrupted at SIGINT and SIGTERM, after texts that were being written have had their time (a second signal
    ends the process at once); GPT25Error for a port that is taken or a model that cannot be loaded.
    """
    listening = listening_socket(settings.host, settings.port)
    lines = ReportQueue(report)
    serving = Serving(listening, words, precision=precision, settings=settings, announce=announce, report=lines.say)

    async def run() -> int:
        stopped = _stopped_by_signal(asyncio.get_running_loop())
        await serving.run(stopped)
        return stopped.result()

    try:
        with library_reports(lines.say):
            number = asyncio.run(run())
        if serving.is_loading:
            lines.say("stopped while the models were being loaded")
    finally:
        lines.close()
    if serving.is_loading:
        os._exit(128 + number)
    raise Interrupted(number, "stopped; texts that were being written have had their time")


def _stopped_by_signal(loop: asyncio.AbstractEventLoop) -> "asyncio.Future[int]":
    """A future that the first SIGINT or SIGTERM completes with its number; the second one is the system's."""
    stopped: asyncio.Future[int] = loop.create_future()

    def stop(number: int) -> None:
        stopped.set_result(number)
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    return stopped
