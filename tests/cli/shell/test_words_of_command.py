"""The words that completion offers are those that the parser knows, of every command."""

from importlib import import_module

import pytest

from gpt25.cli.main import COMMANDS
from gpt25.cli.parsing import known_flags, subcommands
from gpt25.cli.shell.words_of_command import Word, words_of_command


def found_of(name: str) -> dict[str, list[Word]]:
    found = words_of_command(import_module(f"gpt25.cli.commands.{name}"), name, COMMANDS[name])
    return {"": found.words, **{each: inner.words for each, inner in found.subcommands.items()}}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_flag_of_every_command_is_found_once(name: str) -> None:
    command = import_module(f"gpt25.cli.commands.{name}")
    found = found_of(name)
    assert list(found) == ["", *subcommands(command)]
    default = command.defaults(["quickstart"]) if hasattr(command, "defaults") else None
    for subcommand, words in found.items():
        known = known_flags(command, name, [subcommand] if subcommand else [], default)
        listed = [each for word in words if word.is_flag for each in word.names]
        assert sorted(listed) == sorted(known | {"-h"})
        assert all(word.help for word in words)


def test_values_choices_and_places_are_read() -> None:
    generate = {word.names[0]: word for word in found_of("generate")[""]}
    assert generate["--seed"].value == "INT"
    assert generate["--special-tokens"].choices == ("text", "parse")
    assert generate["--json"] == Word(("--json",), "", "Print one JSON object on standard output.")
    assert not generate["MODEL"].is_flag
    assert not generate["MODEL"].takes_several
    evaluate = {word.names[0]: word for word in found_of("evaluate")[""]}
    assert evaluate["--tasks"].takes_several
    assert {word.names[0] for word in found_of("data")["prepare"] if word.takes_several} == {"SOURCES"}
    (name,) = (word for word in found_of("data")["fetch"] if not word.is_flag)
    assert name.choices == ("fineweb10B", "finewebedu10B", "climbmix")
    train = {word.names[0]: word for word in found_of("train")[""]}
    assert train["--loop.compile"].choices == ("true", "false", "auto")
    assert train["RECIPE"].help == "A recipe in the package, or the path of a .toml file."
    assert train["--loop.sample-prompt"].help.endswith("the start of a document.")
    export = {word.names[0]: word for word in found_of("export")[""]}
    assert export["--license"].names == ("--license", "--licence")
