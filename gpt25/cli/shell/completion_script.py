"""The script that completes gpt25's words in a shell: whole in itself, so that the Tab key starts no Python."""

import re
from argparse import ArgumentParser
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, get_args

from gpt25.cli.shell.value_kinds import Shell, completers, kind_of
from gpt25.cli.shell.words_of_command import Word, WordsOfCommand, words_of_command
from gpt25.errors import ConfigurationError
from gpt25.version import __version__

if TYPE_CHECKING:
    from argparse import _SubParsersAction

SHELLS: tuple[Shell, ...] = get_args(Shell)
_LONGEST_HELP = 80


def require_shell(flag: str, words: list[str]) -> Shell:
    """The shell that follows a flag; raises ConfigurationError for another word, or not exactly one."""
    for shell in SHELLS:
        if words == [shell]:
            return shell
    raise ConfigurationError(f"gpt25 {flag} takes one word, {', '.join(SHELLS[:-1])} or {SHELLS[-1]}.")


def completion_script(shell: Shell, commands: Mapping[str, str]) -> str:
    """The script for one shell, made of every command's own help; `commands` has a line about each."""
    import shtab

    parser = ArgumentParser("gpt25", description="GPT-2 end to end, in one package.", add_help=False)
    for flag, text in (("--help", "list the commands"), ("--version", "print the version")):
        parser.add_argument(flag, action="store_true", help=text)
    for flag, text in (
        ("--print-completion", "print what completes words in a shell"),
        ("--install-completion", "complete words in a shell from now on"),
    ):
        parser.add_argument(flag, choices=SHELLS, help=text)
    places = parser.add_subparsers(dest="command")
    for name, one_line in commands.items():
        _add_command(places, name, words_of_command(import_module(f"gpt25.cli.commands.{name}"), name, one_line))
    script: str = shtab.complete(parser, shell=shell, root_prefix="gpt25")
    first, _, others = script.partition("\n")  # zsh wants its #compdef in the first line
    return f"{first}\n# gpt25 {__version__}: make it again after an upgrade.\n{others}\n"


def _add_command(places: "_SubParsersAction[ArgumentParser]", name: str, found: WordsOfCommand) -> None:
    text = _short(found.help)
    parser = places.add_parser(name, help=text, description=text, add_help=False)
    for word in found.words:
        _add_word(parser, word)
    if found.subcommands:
        inner = parser.add_subparsers(dest="subcommand")
        for each, its_words in found.subcommands.items():
            _add_command(inner, each, its_words)


def _add_word(parser: ArgumentParser, word: Word) -> None:
    options: dict[str, Any] = {"help": _short(word.help) or word.names[0]}
    is_switch = word.is_flag and not word.value
    if is_switch:
        options["action"] = "store_true"
    elif word.takes_several:
        options["nargs"] = "*"
    if word.choices:
        options["choices"] = word.choices
    action = parser.add_argument(*word.names, **options)
    kind = None if is_switch or word.choices else kind_of(word)
    if kind is not None:
        action.complete = completers(kind)  # type: ignore[attr-defined]


def _short(text: str) -> str:
    """The first sentence of a help text, or as much of it as a list of completions has place for."""
    sentence = re.split(r"[.;:](?=\s|$)", text, maxsplit=1)[0]
    if len(sentence) > _LONGEST_HELP:
        sentence = sentence[:_LONGEST_HELP].rpartition(" ")[0] + " …"
    return sentence.replace("%", "%%")
