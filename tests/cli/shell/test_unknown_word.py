"""A first word that gpt25 does not know: what is offered instead, in a line that can be pasted."""

from importlib import import_module

import pytest

from gpt25.cli.main import COMMANDS, main
from gpt25.cli.parsing import parse
from gpt25.cli.shell import unknown_word as module
from gpt25.cli.shell.unknown_word import unknown_word
from gpt25.recipes import load_recipe

FLAGS = ("--help", "--version", "--print-completion")


@pytest.fixture(autouse=True)
def installed_in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell finds gpt25 by its name."""
    monkeypatch.setattr("gpt25.records.this_shell._program", lambda: ["gpt25"])


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        (["generat", "gpt2", "--prompt", "a b"], "gpt25 generate gpt2 --prompt 'a b'"),
        (["quik-start"], "gpt25 quickstart"),
        (["Train", "quickstart"], "gpt25 train quickstart"),
        (["evalaute", "x" * 300], "gpt25 evaluate"),
        (["chat"], "gpt25 generate MODEL"),
        (["chat", "runs/my run"], "gpt25 generate 'runs/my run'"),
        (["sampel"], "gpt25 generate MODEL"),
        (["eval", "gpt2"], "gpt25 evaluate gpt2 --task hellaswag"),
        (["finetune"], "gpt25 train finetune --start MODEL --data.texts PATH --run DIR"),
        (["fine_tune"], "gpt25 train finetune --start MODEL --data.texts PATH --run DIR"),
        (["upload", "runs/mine"], "gpt25 push runs/mine OWNER/NAME"),
        (["download", "fineweb10B"], "gpt25 data fetch fineweb10B --output DIR"),
        (["gpt2-medium"], "gpt25 generate gpt2-medium"),
        (["gpt2_124m"], "gpt25 train gpt2_124m --run DIR"),
        (["--verison"], "gpt25 --version"),
        (["--json", "show", "gpt2"], "gpt25 show --json"),
    ],
)
def test_what_is_offered_instead(words: list[str], instead: str) -> None:
    first, second = str(unknown_word(words, COMMANDS, FLAGS)).splitlines()
    kind = "flag" if words[0].startswith("-") else "command"
    assert first == f"gpt25 has no {kind} {words[0]!r}; did you mean {instead}?"
    assert second.endswith("gpt25 --help lists what there is.")


def test_nothing_is_offered_where_nothing_is_near() -> None:
    for word in ("zzz", "--zzz"):
        assert "did you mean" not in str(unknown_word([word], COMMANDS, FLAGS))


def test_a_command_that_is_not_there_is_not_offered() -> None:
    without = [name for name in COMMANDS if name != "serve"]
    assert "gpt25 serve MODEL" in str(unknown_word(["playground"], COMMANDS, FLAGS))
    assert "gpt25 serve" not in str(unknown_word(["playground"], without, FLAGS))


def test_every_offered_line_begins_with_a_command_and_its_flags_exist() -> None:
    values = {"MODEL": "gpt2", "RUN": "runs/a", "DIR": "d", "PATH": "p", "RECIPE": "quickstart", "NAME": "climbmix"}
    values |= {"KEY": "loop.seed", "VALUES": "1"}
    for line in set(module._OTHERS.values()):
        name, *words = [values.get(word, word) for word in line.split()]
        if name in COMMANDS:
            words = ["12" if word == "IDS" else word for word in words]
            assert parse(import_module(f"gpt25.cli.commands.{name}"), name, words) is not None
        else:
            assert name in ("--version", "--print-completion")
    load_recipe("finetune")


def test_the_line_works_in_the_shell_that_started_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gpt25.records.this_shell._program", lambda: [".venv/bin/gpt25"])
    assert main(["chat"]) == 2
    assert capsys.readouterr().err == (
        "error: gpt25 has no command 'chat'; did you mean .venv/bin/gpt25 generate MODEL?\n"
        "Without --prompt, on a terminal, it opens a session. .venv/bin/gpt25 --help lists what there is.\n"
    )
    assert main(["show", "--no-such-flag"]) == 2
    assert capsys.readouterr().err.endswith("\n.venv/bin/gpt25 show --help lists what there is.\n")


def test_help_takes_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "show"]) == 0
    assert capsys.readouterr().out.startswith("usage: gpt25 show")
