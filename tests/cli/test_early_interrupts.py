"""Ctrl-C before the work begins: one line, exit code 130, whatever is being imported."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gpt25.cli.streams.interrupted_imports import end_interrupted_imports

PATIENCE_SECONDS = 90


# Python's own list of imports says how far the process is: our first modules, numpy's and torch's halves (quickstart
# imports them inside its work, where numpy has turned KeyboardInterrupt into an AttributeError and torch swallows it).
@pytest.mark.parametrize(
    ("words", "module"),
    [
        (("show", "nothing"), "gpt25.cli.streams.visible_text"),
        (("quickstart", "--run"), "numpy._core._multiarray_umath"),
        (("quickstart", "--run"), "torch._C"),
        (("quickstart", "--run"), "gpt25.tokenizer"),
    ],
)
def test_ctrl_c_in_the_first_moments(words: tuple[str, ...], module: str, tmp_path: Path) -> None:
    given = [*words, str(tmp_path / "run")] if words[-1] == "--run" else words
    process = subprocess.Popen(
        # A suite in a shell's background is started with SIGINT ignored, and its children would be too.
        [sys.executable, "-X", "importtime", "-c", STARTER, *given],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.endswith(f" {module}\n"):
            os.killpg(process.pid, signal.SIGINT)
            break
    _, error = process.communicate(timeout=PATIENCE_SECONDS)
    words_said = [line for line in error.splitlines() if line and not line.startswith("import time:")]
    assert (process.returncode, words_said) == (130, ["stopped"])
    assert not (tmp_path / "run").exists()


STARTER = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from gpt25.cli.start import start
start()
"""


def test_somebody_elses_handler_stays() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        end_interrupted_imports()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_of_an_import_it_is_a_keyboard_interrupt() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        end_interrupted_imports()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
