"""Long lines on a terminal end between words; commands in them stay in one piece."""

import io
import os
import pty

import pytest

from gpt25.cli.output import Output
from gpt25.cli.streams.word_wrap import at_width_of


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "24")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("short", ["short"]),
        ("a line of more words than one line of it holds", ["a line of more words", "than one line of it", "holds"]),
        ("two\nlines", ["two", "lines"]),
        ("x" * 30, ["x" * 30]),
        ("    code that is longer than a line", ["    code that is longer than a line"]),
        ("a  b  and what is aligned  by spaces", ["a  b  and what is", "aligned  by spaces"]),
        (
            "This goes on: gpt25 train quickstart --run runs/mine. Or not.",
            ["This goes on:", "gpt25 train quickstart --run runs/mine.", "Or not."],
        ),
    ],
)
def test_lines_are_broken_between_words(text: str, lines: list[str]) -> None:
    assert at_width_of(Terminal(), text).split("\n") == lines


def test_a_pipe_gets_whole_lines() -> None:
    assert at_width_of(io.StringIO(), "word " * 40) == "word " * 40


def test_the_terminal_itself_says_how_wide_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    controller, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stream:
        os.system(f"stty cols 30 < {os.ttyname(stream.fileno())}")
        assert at_width_of(stream, "word " * 7 + "word") == "word " * 5 + "word\nword word"
    os.close(controller)


def test_notes_errors_and_results_are_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr("sys.stdout", terminal)
    output = Output()
    for say in (output.say, output.note, output.error):
        say("as many words as two lines hold")
    assert terminal.getvalue().splitlines() == [
        *("as many words as two", "lines hold") * 2,
        *("error: as many words as", "two lines hold"),
    ]
