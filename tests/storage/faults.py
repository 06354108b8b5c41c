"""Faults for the tests of storage: a step of a write that fails, and a process that is killed at any moment."""

import builtins
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpt25
from gpt25.storage import replace_directory

SOURCE = str(Path(gpt25.__file__).parents[1])
STEPS_IN_OS = ("open", "fsync", "replace", "rename", "mkdir")


class FailingFile(io.FileIO):
    """A file whose writes count as a step that can fail."""

    step: Callable[[], None]

    def write(self, content: Any) -> int:
        self.step()
        return super().write(content)


def inject(monkeypatch: pytest.MonkeyPatch, number: int, code: int) -> list[int]:
    """Let the call of that number to any step of a write fail; the returned list holds how many calls there were."""
    calls = [0]

    def step() -> None:
        calls[0] += 1
        if calls[0] == number:
            raise OSError(code, os.strerror(code))

    def failing(original: Callable[..., Any]) -> Callable[..., Any]:
        def replacement(*arguments: Any, **options: Any) -> Any:
            step()
            return original(*arguments, **options)

        return replacement

    def open_file(path: Any, mode: str = "r", *_: Any, **__: Any) -> Any:
        step()
        file = FailingFile(path, mode.replace("b", ""))
        file.step = step
        return file

    for name in STEPS_IN_OS:
        monkeypatch.setattr(os, name, failing(getattr(os, name)))
    monkeypatch.setattr(replace_directory, "_exchange", failing(replace_directory._exchange))
    monkeypatch.setattr(builtins, "open", open_file)
    return calls


def start(code: str, *words: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    return subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, text=True, env=environment, cwd=words[0]
    )


def kill_after(process: "subprocess.Popen[str]", milliseconds: int) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(milliseconds / 1000)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
