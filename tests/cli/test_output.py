"""What goes to standard output, what to standard error, and that nothing but plain text leaves a terminal."""

import contextlib
import io
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from gpt25.cli import progress as progress_module
from gpt25.cli.output import Output
from gpt25.cli.progress import TerminalProgress, count_text, duration_text, fields_text


@dataclass(frozen=True)
class Record:
    """Something to print."""

    path: Path
    values: tuple[float, ...]


class Terminal(io.StringIO):
    """A standard error that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress_module.time, "monotonic", clock.monotonic)
    return clock


def test_human_readable_text_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.say("a")
    output.say("b", end="")
    output.note("beside")
    output.result({"x": 1}, "the answer")
    captured = capsys.readouterr()
    assert captured.out == "a\nbthe answer\n"
    assert captured.err == "beside\n"


def test_with_json_standard_output_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(json=True)
    output.say("a")
    output.note("beside")
    output.table("title", ("name",), [("row",)])
    with output.progress("work", 2, "things") as progress:
        progress.advance(2)
    output.result({"x": 1}, "the answer")
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"x": 1}
    assert captured.err.startswith("a\nbeside\ntitle\nname\nrow\nwork: 2 things in")
    assert "the answer" not in captured.err


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(quiet=True)
    output.say("a")
    output.note("beside")
    output.table("title", ("name",), [("row",)])
    with output.progress("work", 2, "things") as progress:
        progress.advance(2, loss=1.0)
    output.result({"x": 1}, "the answer")
    assert capsys.readouterr() == ("", "")


def test_json_takes_what_commands_have(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=True).result(
        {
            "record": Record(Path("runs/a"), (1.5, math.nan, -math.inf)),
            "array": np.arange(3, dtype=np.uint16),
            "number": np.float32(0.5),
            "tensor": torch.tensor([[1, 2]]),
            1: {True, None},
            "text": "é\ud800",
        }
    )
    line = capsys.readouterr().out
    assert line.isascii()
    assert line.count("\n") == 1
    assert json.loads(line) == {
        "record": {"path": "runs/a", "values": [1.5, None, None]},
        "array": [0, 1, 2],
        "number": 0.5,
        "tensor": [[1, 2]],
        "1": json.loads(line)["1"],
        "text": "é\ud800",
    }
    assert set(json.loads(line)["1"]) == {True, None}


def test_json_refuses_what_has_no_place_in_it() -> None:
    with pytest.raises(TypeError, match="object has no place in a JSON object"):
        Output(json=True).result({"x": object()})


def test_plain_table_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table("sizes", ("name", "count"), [("gpt2", "124,439,808"), ("tiny", 1_000), (None, "")])
    assert capsys.readouterr().out == "sizes\nname  count\ngpt2  124,439,808\ntiny  1000\n\n"


def test_plain_table_puts_numbers_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table("", ("name", "n"), [("a", 1), ("b", "1,000")])
    assert capsys.readouterr().out == "name      n\na         1\nb     1,000\n"


def test_table_without_headings_or_rows(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table("t", ("", ""), [("a", "b")])
    Output().table("t", ("x",), [])
    assert capsys.readouterr().out == "t\na  b\nt\nx\n"


def test_table_on_a_terminal_is_drawn_and_escapes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    Output().table("sizes", ("name", "n"), [("[red]a[/red]", 1)])
    text = terminal.getvalue()
    assert "─" in text
    assert "[red]a[/red]" in text
    assert not any(colour in text for colour in ("\x1b[3", "\x1b[9"))


def test_plain_progress_speaks_every_five_seconds(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Output().progress("training", 1_000, "updates") as progress:
        for second in range(12):
            clock.now += 1
            progress.advance(10, loss=4.0 - second / 10, tokens_per_second=51_234)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "training: 50/1,000 updates, 10.0/s, 1 min 35 s left, loss 3.6000, tokens/s 51,234",
        "training: 100/1,000 updates, 10.0/s, 1 min 30 s left, loss 3.1000, tokens/s 51,234",
        "training: 120 updates in 12 s, loss 2.9000, tokens/s 51,234",
    ]


def test_work_that_goes_on_counts_all_of_it_and_is_as_fast_as_it_is_now(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with Output().progress("training", 1_000, "updates", done=900) as progress:
        for _ in range(6):
            clock.now += 1
            progress.advance(10)
    assert capsys.readouterr().err.splitlines() == [
        "training: 950/1,000 updates, 10.0/s, 5 s left",
        "training: 60 updates in 6 s, 960 in all",
    ]


def test_plain_progress_without_a_total(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Output().progress("reading", None, "documents") as progress:
        progress.advance(0)
        clock.now += 8
        progress.advance(2_000)
    assert capsys.readouterr().err.splitlines() == [
        "reading: 2,000 documents, 250/s",
        "reading: 2,000 documents in 8 s",
    ]


def test_plain_progress_is_silent_about_work_that_failed(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(ValueError), Output().progress("work", 2, "things") as progress:
        progress.advance(1)
        raise ValueError("broken")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("total", [4, None])
def test_progress_on_a_terminal(total: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with Output().progress("encoding [all]", total, "documents") as progress:
        assert isinstance(progress, TerminalProgress)
        progress.advance(1)
        progress.advance(2, loss=1.25)
    text = terminal.getvalue()
    assert "encoding [all]" in text
    assert ("3/4 documents" if total else "3 documents") in text
    assert "loss 1.2500" in text


@pytest.mark.parametrize("columns", [30, 80, 200])
def test_bar_stays_on_one_line(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    with Output().progress("training", 10_000, "updates") as progress:
        progress.advance(1_200, loss=3.2, tokens_per_second=51_234.0, learning_rate=0.0006, gradient_norm=0.25)
    drawn = re.split(r"[\r\n]|\x1b\[[\d?]*[A-Za-z]", terminal.getvalue())
    assert max(map(len, drawn)) <= columns
    assert any("gradient norm 0.2500" in line for line in drawn) is (columns == 200)
    assert any(line.startswith("training") and "1,200/" in line for line in drawn)
    assert any("…" in line for line in drawn) is (columns < 40)


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (60, "training 1,200/10,000, loss 3.2000, validation loss 3.3000"),
        (72, "training 1,200/10,000 updates, loss 3.2000, validation loss 3.3000"),
        (90, "training 1,200/10,000 updates, loss 3.2000, tokens/s 51,234, validation loss 3.3000"),
        (200, "training BAR 1,200/10,000 updates, loss 3.2000, tokens/s 51,234, validation loss 3.3000"),
    ],
)
def test_a_narrow_bar_leaves_out_what_matters_less_and_keeps_both_losses(
    columns: int, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    with Output().progress("training", 10_000, "updates", done=1_199) as progress:
        progress.advance(1, loss=3.2, tokens_per_second=51_234.0, validation_loss=3.3)
    drawn = re.split(r"[\r\n]|\x1b\[[\d?]*[A-Za-z]", terminal.getvalue())
    assert shown in [re.sub(" [━╸╺][━╸╺ ]+", " BAR ", line).rstrip() for line in drawn]


def test_bar_leaves_a_piped_standard_output_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    output = Output()
    with output.progress("work", 2, "things") as progress:
        progress.advance(1)
        output.say("a line of the result")
    assert capsys.readouterr().out == "a line of the result\n"
    assert "a line of the result" not in terminal.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (7300, "2 h 1 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(("number", "text"), [(0.25, "0.25"), (12.34, "12.3"), (51_234.4, "51,234"), (99.99, "100.0")])
def test_counts(number: float, text: str) -> None:
    assert count_text(number) == text


def test_fields() -> None:
    fields = {"loss": 3.14159, "tokens_per_second": 51_234.0, "learning_rate": 0.0006, "updates": 1_000, "state": "ok"}
    assert fields_text(fields) == "loss 3.1416, tokens/s 51,234, learning rate 0.0006, updates 1,000, state ok"
