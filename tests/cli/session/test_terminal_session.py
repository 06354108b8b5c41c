"""The session at a real pseudo-terminal: what is typed, what the screen is sent, and how it ends."""

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from gpt25.cli.streams.visible_text import visible_text
from gpt25.generation import TextGenerator
from gpt25.weights import load_pretrained

sys.path.insert(0, str(Path(__file__).parent))
from terminal import PROMPT, Terminal, gpt25

sys.path.pop(0)

FLAGS = ("--precision", "float32", "--device", "cpu", "--seed", "3", "--max-new-tokens", "20")
Open = Callable[..., AbstractContextManager[Terminal]]


@pytest.fixture
def open_session(model_directory: Path, tmp_path: Path) -> Open:
    @contextmanager
    def opened(*words: str, **variables: str) -> Iterator[Terminal]:
        variables = {"XDG_STATE_HOME": str(tmp_path / "state")} | variables
        with gpt25("generate", str(model_directory), *FLAGS, *words, **variables) as terminal:
            yield terminal

    return opened


@pytest.fixture
def written(model_directory: Path) -> Callable[[str], str]:
    """What the model writes behind a text."""
    generator = TextGenerator(*load_pretrained(model_directory))
    return lambda text: generator.generate(text, seed=3, max_new_tokens=20)[0].text


def on_screen(text: str) -> str:
    assert "\t" not in text
    return visible_text(text)


def test_a_session_from_the_first_entry_to_the_last(
    open_session: Open, written: Callable[[str], str], model_directory: Path
) -> None:
    expected = [on_screen(written(text)) for text in ("Hello", "There", "a\nb", "c\nd")]
    assert any(r"\x" in text for text in expected), "no control character is tried"
    with open_session() as terminal:
        opening = terminal.until(PROMPT)
        assert "float32 on cpu" in opening.replace("\n", " ")
        assert "up to 8,192 tokens at once; it is no assistant and answers nobody." in opening.replace("\n", " ")
        assert max(map(len, opening.splitlines())) <= 80
        shutil.rmtree(model_directory)  # it is in memory
        typed = ("Hello", "There", '"""\ra\rb\r"""', "c\x1b\rd")
        for entry, text in zip(typed, expected, strict=True):
            assert f"\n{text}\n[20 tokens, " in terminal.answer(entry)
        terminal.type("/temp\t")
        terminal.until("erature")
        assert "\n/temperature 0.7\n" in terminal.answer(" 0.7")
        terminal.type("half an entry\x03")
        terminal.until(r"\(Ctrl-D or /quit ends the session\.\)(?s:.*)" + PROMPT.pattern)
        terminal.type("\x04")
        assert terminal.end() == 0


def test_a_text_streams_and_ctrl_c_stops_it_alone(open_session: Open) -> None:
    with open_session("--max-new-tokens", "8000") as terminal:
        terminal.until(PROMPT)
        terminal.type("Hello\r")
        terminal.until("Hello(?s:.*)\n(?s:.{200})")
        assert "tokens/s" not in terminal.received
        terminal.type("\x03")
        assert "; stopped]\n" in terminal.until(PROMPT)
        assert "/seed 3\n" in terminal.answer("/seed")
        assert "[20 tokens, " in (terminal.answer("/max-new-tokens 20") and terminal.answer("/continue"))
        terminal.type("/quit\r")
        assert terminal.end() == 0


def test_what_was_typed_is_remembered(open_session: Open, written: Callable[[str], str]) -> None:
    with open_session() as terminal:
        terminal.until(PROMPT)
        terminal.answer("Hello")
        terminal.type("\x04")
        assert terminal.end() == 0
    with open_session() as terminal:
        terminal.until(PROMPT)
        assert f"\n{on_screen(written('Hello'))}\n[20 tokens, " in terminal.answer("\x1b[A")


def test_a_history_that_cannot_be_kept_is_said(open_session: Open, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    with open_session() as terminal:
        opening = terminal.until(PROMPT)
        assert "what you type is remembered in this session alone: cannot keep a history in" in opening
        assert "[20 tokens, " in terminal.answer("Hello")


def test_a_terminal_that_can_nothing_is_enough(open_session: Open, written: Callable[[str], str]) -> None:
    with open_session(TERM="dumb") as terminal:
        terminal.until("> ")
        terminal.type("Hello\r")
        assert f"\n{on_screen(written('Hello'))}\n[20 tokens, " in terminal.until("writes on\\]\r\n(?s:.*)> ")
        terminal.type("/quit\r")
        assert terminal.end() == 0


@pytest.mark.parametrize("words", [("--prompt", ""), ("--json",)])
def test_a_prompt_and_json_open_none(open_session: Open, written: Callable[[str], str], words: tuple[str, ...]) -> None:
    with open_session(*words) as terminal:
        assert terminal.end() == 0
        said = terminal.received.replace("\r\n", "\n")
    if words == ("--json",):
        assert json.loads(said)["samples"][0]["text"] == written("")
    else:
        assert said.startswith(on_screen(written("")) + "\nfloat32 on cpu")


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_with_half_a_terminal_a_new_document_is_written(
    model_directory: Path, written: Callable[[str], str], stream: str
) -> None:
    master, slave = pty.openpty()
    other = {"stdin": {"stdout": subprocess.PIPE}, "stdout": {"stdin": subprocess.DEVNULL, "stdout": slave}}[stream]
    streams = {"stdin": slave} | other
    done = subprocess.run(
        [sys.executable, "-m", "gpt25", "generate", str(model_directory), *FLAGS], stderr=subprocess.PIPE, **streams
    )
    os.close(slave)
    said = done.stdout if done.stdout is not None else os.read(master, 1 << 16).replace(b"\r\n", b"\n")
    os.close(master)
    assert done.returncode == 0, done.stderr
    assert said.decode() == (on_screen(written("")) if stream == "stdout" else written("")) + "\n"
