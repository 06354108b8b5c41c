"""No name, text or message moves a terminal's cursor or passes for an error of ours."""

import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gpt25.cli.main import main
from gpt25.cli.output import Output
from gpt25.cli.progress import fields_text
from gpt25.cli.streams.forgiving_stream import ForgivingStream
from gpt25.cli.streams.visible_text import visible_text

PATIENCE_SECONDS = 90
HOSTILE = "a\x1b[2J\x1b]0;title\x07\rerror: all is lost\u202e\x9b1m"
SHOWN = r"a\x1b[2J\x1b]0;title\x07\rerror: all is lost\u202e\x9b1m"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (HOSTILE, SHOWN),
        ("two\nlines\tand a tab\r\n", "two\nlines\tand a tab\r\n"),
        ("\b\x7f\x00", r"\x08\x7f\x00"),
        ("\u2028\u2066", r"\u2028\u2066"),
        ("é 日本 👩\u200d👩 \u00a0", "é 日本 👩\u200d👩 \u00a0"),
        ("C:\\x1b", "C:\\x1b"),
    ],
)
def test_control_characters_are_spelled_out_and_nothing_else(text: str, shown: str) -> None:
    assert visible_text(text) == shown


def test_in_one_line() -> None:
    assert visible_text("a\nb\tc\r\n", in_one_line=True) == r"a\nb\tc\r\n"
    assert fields_text({"file": "a\n\x1b[1m"}) == r"file a\n\x1b[1m"


def test_everything_that_is_said_is_visible(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.say(HOSTILE)
    output.table(HOSTILE, ("name",), [(f"{HOSTILE}\nnext",)])
    output.result({}, HOSTILE)
    output.note(HOSTILE)
    output.error(HOSTILE)
    with output.progress(HOSTILE, 1, "things"):
        pass
    captured = capsys.readouterr()
    assert captured.out == f"{SHOWN}\n{SHOWN}\nname\n{SHOWN}\\nnext\n{SHOWN}\n"
    assert captured.err == f"{SHOWN}\nerror: {SHOWN}\n{SHOWN}: 0 things in 0 s\n"


def test_json_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=True).result({"name": HOSTILE})
    assert json.loads(capsys.readouterr().out) == {"name": HOSTILE}


def test_no_line_of_others_passes_for_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(json=True)
    output.say("a sample\nerror: no")
    output.note("Error: no")
    output.error("cannot read x\nerror: no")
    assert capsys.readouterr().err == "a sample\n  error: no\n  Error: no\nerror: cannot read x\n  error: no\n"


def test_verbatim_text_is_exact_where_no_terminal_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    Output().verbatim(HOSTILE)
    Output(quiet=True).verbatim("nothing")
    assert capsys.readouterr().out == f"{HOSTILE}\n"


def test_verbatim_text_that_nobody_takes_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = ForgivingStream(None)
    monkeypatch.setattr("sys.stdout", stream)
    Output().say("a remark is no reason to end")
    with pytest.raises(OSError, match="it is closed"):
        Output().verbatim("text")
    stream.release()


def test_the_message_of_a_bug_is_visible(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError(HOSTILE)

    monkeypatch.setattr("gpt25.cli.main._run", fail)
    assert main(["show"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Traceback")
    assert error.endswith(f"ZeroDivisionError: {SHOWN}\n")


def on_a_terminal(*words: object) -> bytes:
    """What the real command writes to a terminal of its own."""
    controller, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "dumb", "COLUMNS": "200", "NO_COLOR": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "gpt25", *map(str, words)], stdin=terminal, stdout=terminal, stderr=terminal,
        env=environment,
    )  # fmt: skip
    os.close(terminal)
    written = b""
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed
        while piece := os.read(controller, 65536):
            written += piece
    os.close(controller)
    process.wait(timeout=PATIENCE_SECONDS)
    return written


def test_names_and_paths_on_a_real_terminal(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    model = tmp_path / "m\x1b[31m"
    model.mkdir()
    save_file({"h.0.\x1b[2Jevil": torch.zeros(2)}, str(model / "model.safetensors"))
    for words in (("show", model), ("show", tmp_path / "no\x1b[5m\rerror: forged"), ("\x1b[7mshow",)):
        written = on_a_terminal(*words)
        assert b"error: " in written
        assert b"\x1b" not in written
        assert b"\\x1b" in written
        assert b"\rerror: forged" not in written
