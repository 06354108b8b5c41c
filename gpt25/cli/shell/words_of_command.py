"""The words that a command takes, read from its help: what is completed is what the help lists."""

import re
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from gpt25.cli.parsing import help_of, subcommands

_ONE_COLUMN_OF_BOXES = 120
"""Wider, tyro puts the boxes of its help beside one another."""
_BOX = re.compile(r"╭─ (?P<title>[\w ]+) ─")
_ROW = re.compile(r"│ (?P<words>(?:-h, )?--[\w.-]+(?: \S+)*|\[?\w\S*)(?:  +(?P<text>\S.*?))? *│")
_MORE = re.compile(r"│ {2,}(?P<text>\S.*?) *│")
_REMARK = re.compile(r"\s*\((?:default: .*|required|repeatable)\)$")


@dataclass(frozen=True)
class Word:
    """A flag with its value, or a positional word.

    names: ("--license", "--licence"), or ("MODEL",); value: "INT", "{text,parse}", "[STR [STR ...]]", or "" for a
    switch and a positional word; choices: what the value may be, where that is a list.
    """

    names: tuple[str, ...]
    value: str
    help: str
    choices: tuple[str, ...] = ()

    @property
    def is_flag(self) -> bool:
        """Whether this is a flag, not a positional word."""
        return self.names[0].startswith("-")

    @property
    def takes_several(self) -> bool:
        """Whether more than one value may follow, or stand in this place."""
        return "..." in self.value or (not self.is_flag and self.names[0].endswith("S"))


@dataclass
class WordsOfCommand:
    """A command, its words, and its subcommands; `help` is one line."""

    help: str
    words: list[Word] = field(default_factory=list)
    subcommands: "dict[str, WordsOfCommand]" = field(default_factory=dict)


def words_of_command(command: ModuleType, name: str, one_line: str) -> WordsOfCommand:
    """The words of `gpt25 NAME`, in the order of its help; `one_line` says what it does."""
    offered = subcommands(command)
    text = help_of(command, name, ["--help"], columns=_ONE_COLUMN_OF_BOXES, encoding="utf-8")
    found = WordsOfCommand(one_line, _words(text, None if offered else command.Arguments))
    if hasattr(command, "defaults"):  # the flags, which are the same for every first word
        default = command.defaults(["quickstart"])
        text = help_of(command, name, ["--help"], columns=_ONE_COLUMN_OF_BOXES, default=default, encoding="utf-8")
        places = [word for word in found.words if not word.is_flag]
        found.words = places + [word for word in _words(text, command.Arguments) if word.is_flag]
    for each, arguments in zip(offered, get_args(command.Arguments), strict=True) if offered else ():
        text = help_of(command, name, [each, "--help"], columns=_ONE_COLUMN_OF_BOXES, encoding="utf-8")
        description = text.partition("\n\n")[2].partition("\n")[0]
        found.subcommands[each] = WordsOfCommand(description, _words(text, get_args(arguments)[0]))
    return found


def _words(text: str, arguments: Any) -> list[Word]:
    """The rows of a help text, of all its boxes but the one that lists subcommands."""
    found: list[list[str]] = []
    box = ""
    for line in text.splitlines():
        if title := _BOX.match(line):
            box = title["title"]
        elif box == "subcommands":
            continue
        elif (row := _ROW.fullmatch(line)) and (row["words"].startswith("-") or box == "positional arguments"):
            found.append([row["words"], row["text"] or ""])
        elif found and (more := _MORE.fullmatch(line)):
            found[-1][1] = f"{found[-1][1]} {more['text']}".strip()
    return [_word(words, text, arguments) for words, text in found]


def _word(words: str, text: str, arguments: Any) -> Word:
    """_word("--license STR, --licence STR", …) and _word("[RUNS]", …), as the help writes them."""
    first, _, value = words.split(", --")[0].partition(" ")
    names = re.findall(r"(?<!\S)--?[\w.-]+", words) or [first.strip("[]")]
    listed = re.search(r"\{([^{}]+)\}", value)
    choices = tuple(listed[1].split(",")) if listed else ()
    if not choices and not words.startswith("-"):
        hint = get_type_hints(arguments).get(names[0].lower().replace("-", "_"))
        choices = get_args(hint) if get_origin(hint) is Literal else ()
    return Word(tuple(names), value, _REMARK.sub("", text), choices)
