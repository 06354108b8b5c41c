"""The roof: help, versions, wrong words, exit codes and what standard output and standard error carry."""

import os
import signal
import subprocess
import sys
import types
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import gpt25
from gpt25.cli import main as main_module
from gpt25.cli.main import COMMANDS, GROUPS, help_text, main
from gpt25.cli.output import Output
from gpt25.cli.parsing import help_of, subcommands
from gpt25.errors import ConfigurationError, Interrupted


@dataclass(frozen=True)
class Arguments:
    """Words of a command made for these tests."""

    json: bool = False
    """Print one JSON object on standard output."""


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replace the module of `gpt25 show` by one whose `run` the test gives."""

    def replace(run: Any) -> None:
        module = types.ModuleType("gpt25.cli.commands.show", "A command made for a test.")
        module.Arguments, module.run = Arguments, run
        monkeypatch.setitem(sys.modules, "gpt25.cli.commands.show", module)

    return replace


def test_help_lists_every_command_once_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    for name, line in COMMANDS.items():
        assert [entry for entry in lines if entry.startswith(f"  {name} ")] == [f"  {name:<12}{line}"]


def test_every_command_stands_under_one_heading() -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    assert grouped == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command_fits_80_columns(name: str) -> None:
    command = import_module(f"gpt25.cli.commands.{name}")
    for words in ([], *([each] for each in subcommands(command))):
        text = help_of(command, name, [*words, "--help"], columns=80)
        assert text.startswith(f"usage: gpt25 {name}")
        assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("words", [[], ["-h"], ["help"]])
def test_other_ways_to_ask_for_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert capsys.readouterr().out == help_text() + "\n"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gpt25 {gpt25.__version__}\n"


def test_users_fault_is_a_message_and_exit_code_2(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def run(arguments: Arguments, output: Output) -> None:
        raise ConfigurationError("7 heads do not divide 768 channels: choose 6, 8 or 12")

    command(run)
    assert main(["show", "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: 7 heads do not divide 768 channels: choose 6, 8 or 12\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interruption_after_saving(command: Any, number: int, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    def run(arguments: Arguments, output: Output) -> None:
        raise Interrupted(number, "stopped after update 12; the same command goes on from there")

    command(run)
    assert main(["show"]) == code
    assert capsys.readouterr().err == "stopped after update 12; the same command goes on from there\n"


def test_keyboard_interrupt_is_130_without_a_traceback(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def run(arguments: Arguments, output: Output) -> None:
        raise KeyboardInterrupt

    command(run)
    assert main(["show"]) == 130
    assert capsys.readouterr().err == "stopped\n"


def test_a_bug_is_a_traceback_and_exit_code_1(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def run(arguments: Arguments, output: Output) -> None:
        raise ZeroDivisionError("our own mistake")

    command(run)
    assert main(["show"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Traceback")
    assert error.endswith("ZeroDivisionError: our own mistake\n")


def test_command_gets_its_arguments_and_an_output(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def run(arguments: Arguments, output: Output) -> None:
        output.result({"json": arguments.json})

    command(run)
    assert main(["show", "--json"]) == 0
    assert capsys.readouterr().out == '{"json": true}\n'


def test_only_the_first_rank_speaks(
    command: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command(lambda arguments, output: output.say("hello"))
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert main(["show"]) == 0
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("RANK", "0")
    assert main(["show"]) == 0
    assert capsys.readouterr().out == "hello\n"


def test_error_names_its_rank(
    command: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(arguments: Arguments, output: Output) -> None:
        raise ConfigurationError("no such file")

    command(run)
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "3")
    assert main(["show"]) == 2
    assert capsys.readouterr().err == "error: rank 3 of 4: no such file\n"


def test_a_command_that_fails_leaves_no_folder_that_it_made_for_its_output(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for folder in ("new/deep", "there"):
        for words in (
            ["plot", "positions", str(tmp_path / "no-model"), "--output", str(tmp_path / folder / "a.png")],
            ["plot", "loss", str(tmp_path / "no-run"), "--output", str(tmp_path / folder / "a.png")],
            ["export", str(tmp_path / "no-model"), "--output", str(tmp_path / folder / "a.gguf")],
            ["export", str(tmp_path / "no"), "--output", str(tmp_path / folder / "a"), "--format", "hugging-face"],
            ["compare", str(tmp_path / "no-run"), "--output", str(tmp_path / folder / "a.html")],
        ):
            assert main(words) == 2
            assert [path.name for path in tmp_path.iterdir()] == ["there"], words


def test_every_command_has_its_module() -> None:
    directory = os.path.join(os.path.dirname(main_module.__file__), "commands")
    modules = {name.removesuffix(".py") for name in os.listdir(directory) if name.endswith(".py")}
    assert modules - {"__init__"} == set(COMMANDS)


def test_a_reader_that_goes_away_is_no_error() -> None:
    # The text is far larger than a pipe's buffer, so that writing goes on after the reader has closed its end.
    code = (
        "import sys, types; from gpt25.cli import main as m; from dataclasses import make_dataclass\n"
        "module = types.ModuleType('gpt25.cli.commands.show', 'For a test.')\n"
        "module.Arguments = make_dataclass('Arguments', [('json', bool, False)])\n"
        "module.run = lambda arguments, output: [output.say('x' * 1000) for _ in range(2000)]\n"
        "sys.modules['gpt25.cli.commands.show'] = module\n"
        "sys.argv = ['gpt25', 'show']; m.entry_point()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert process.stderr.read() == ""
    process.stderr.close()


def test_python_minus_m_is_the_same_command() -> None:
    done = subprocess.run([sys.executable, "-m", "gpt25", "nonsense"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("error: gpt25 has no command 'nonsense'.\n")
    assert done.stderr.endswith(" -m gpt25 --help lists what there is.\n")


def test_a_terminal_without_utf8_gets_question_marks() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "gpt25", "--help"], capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: gpt25 COMMAND ?")
