"""Shards that arrive while the opponent is measured and the model trains."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from gpt25.data import ArrivingData
from gpt25.errors import DataError
from gpt25.records import in_this_shell, offered_command

_PROCESS = "gpt25.data.fetching.fetch_process"
_POLL_SECONDS = 0.1
_SECONDS_BETWEEN_NOTES = 30.0
_SECONDS_TO_END = 60.0  # which hashing what is there may take; what is not safe by then is fetched by the next start


class BackgroundFetch(contextlib.AbstractContextManager["BackgroundFetch"]):
    """A process that fetches the first training shards of a set, as long as the block runs.

    What it says is heard in a thread, and passed on by `tell` and `why_missing`, where the caller likes to be told.
    """

    def __init__(self, name: str, directory: Path, number_of_shards: int, *, note: Callable[[str], None]) -> None:
        self._name = name
        self._directory = directory
        self._number = number_of_shards
        self._note = note
        self._safe = 0
        self._problem: str | None = None
        self._is_done = False
        self._told: tuple[int, str | None, bool] = (0, None, False)
        self._told_at = time.monotonic()
        self._waited_for: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "BackgroundFetch":
        command = [sys.executable, "-m", _PROCESS, self._name, str(self._directory), str(self._number)]
        # The progress bars of the Hub's client would stand in the middle of ours.
        environment = {**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment)
        self._listener = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process: at once where the block failed, else when it has fetched everything, but not much later."""
        assert self._process is not None
        assert self._process.stdin is not None
        if kind is None and self._problem is None:
            deadline = time.monotonic() + _SECONDS_TO_END
            while not self._is_over and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._listener.join()

    @property
    def _is_over(self) -> bool:
        return self._is_done or self._problem is not None

    def wait_for_validation(self) -> None:
        """Return when the validation shard is there and it is known what will come; raises DataError for a failure."""
        while not self._is_done and not (self._safe and ArrivingData.read(self._directory) is not None):
            if self._problem is not None:
                raise DataError(self._problem)
            time.sleep(_POLL_SECONDS)

    def tell(self) -> None:
        """Note how far it is, from time to time, and at once when it has ended, well or not."""
        now = (self._arrived, self._problem, self._is_done)
        is_news = now[1:] != self._told[1:]
        if now == self._told or not (is_news or time.monotonic() - self._told_at > _SECONDS_BETWEEN_NOTES):
            return
        self._told, self._told_at = now, time.monotonic()
        if self._problem is not None:
            self._note(
                f"fetching stopped: {self._problem} {self._arrived:,} of {self._number:,} training shards are here"
            )
        else:
            self._note(f"{self._arrived:,} of {self._number:,} training shards are here")

    def why_missing(self, paths: Sequence[Path]) -> str | None:
        """Why shards that an update needs will not come; None, and a note at the beginning, while they may."""
        if self._problem is not None:
            command = in_this_shell(
                offered_command(
                    "gpt25", "data", "fetch", self._name, "--output", self._directory, "--shards", str(self._number)
                )
            )
            return (
                f"the next update reads {paths[0].name}, which is not here, and fetching stopped: {self._problem} "
                f"What was trained is saved, and the same command goes on from here. To fetch alone: {command}"
            )
        if paths[0] != self._waited_for:
            self._waited_for = paths[0]
            self._note(f"waiting for {paths[0].name}{_and_others(paths)}; {self._how_far}")
        return None

    @property
    def _arrived(self) -> int:
        """Training shards that are safe; the first one is validation's."""
        return self._number if self._is_done else max(0, self._safe - 1)

    @property
    def _how_far(self) -> str:
        return f"{self._arrived:,} of {self._number:,} training shards are here"

    def _listen(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said = json.loads(line)
            self._number = said.get("shards", self._number)
            self._safe += "bytes" in said
            self._problem = said.get("problem", self._problem)
            self._is_done = said.get("done", self._is_done)
        if not self._is_over:
            self._problem = f"its process ended with exit code {process.wait()}."
        process.stdout.close()


def _and_others(paths: Sequence[Path]) -> str:
    return f" and {len(paths) - 1} more" if len(paths) > 1 else ""
