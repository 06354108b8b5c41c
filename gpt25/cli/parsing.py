"""Words into a command's `Arguments`, through tyro; a wrong word becomes a short error that names the nearest flag."""

import contextlib
import difflib
import io
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Literal, get_args, get_origin

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from gpt25.cli.output import Output
from gpt25.cli.words.empty_words import require_no_empty_word
from gpt25.cli.words.flag_names import with_flag_names
from gpt25.cli.words.plain_complaint import plain_complaint
from gpt25.cli.words.plain_help import plain_help
from gpt25.errors import ConfigurationError
from gpt25.records import in_this_shell

_CONFIGURATION = (
    tyro.conf.FlagCreatePairsOff,  # --json, without a --no-json beside it
    tyro.conf.OmitSubcommandPrefixes,
    tyro.conf.PositionalMetavarFromFieldName,  # MODEL rather than STR
)
_WIDEST_HELP_IN_COLUMNS = 100
_UNWRAPPED_COLUMNS = 10_000
_MOST_LINES_OF_AN_ERROR = 9
_FLAGS_OF_A_ROW = re.compile(r"│ (?:-h, )?(--[\w.-]+)(?: [^\s,]+, (--[\w.-]+))?")
_REGISTRY = ConstructorRegistry()


@_REGISTRY.primitive_rule
def _optional(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """Show `int | None` as INT in the help; the word "none" still stands for None."""
    choices = get_args(info.type) if info.type_origin is not None else ()
    others = [choice for choice in choices if choice is not type(None)]
    if len(others) != 1 or len(choices) != 2 or get_origin(others[0]) not in (None, Literal, tuple):
        return None
    inner = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(others[0], info.markers))
    if not isinstance(inner, PrimitiveConstructorSpec) or inner.nargs not in (1, "*"):
        return None
    return PrimitiveConstructorSpec(
        nargs=inner.nargs,
        metavar=inner.metavar,
        instance_from_str=lambda words: (
            None if [word.lower() for word in words] == ["none"] else inner.instance_from_str(words)
        ),
        is_instance=lambda value: value is None or bool(inner.is_instance(value)),
        str_from_instance=lambda value: ["none"] if value is None else inner.str_from_instance(value),
        choices=None if inner.choices is None else (*inner.choices, "none"),
    )


@_REGISTRY.primitive_rule
def _switch(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """Read a switch of a recipe: the bare flag means true; true, false and, where there is one, auto may follow.

    A plain bool is one where the command marks its section with FlagConversionOff; elsewhere it is tyro's bare flag.
    """
    choices = get_args(info.type)
    values: dict[str, Any] = {"true": True, "false": False}
    if bool in choices and Literal["auto"] in choices:
        values["auto"] = "auto"
    elif info.type is not bool or tyro.conf.FlagConversionOff not in info.markers:
        return None

    def read(words: list[str]) -> Any:
        if len(words) > 1 or not {word.lower() for word in words} <= values.keys():
            raise ValueError(f"expected {', '.join(list(values)[:-1])} or {list(values)[-1]}")
        return values[words[0].lower()] if words else True

    return PrimitiveConstructorSpec(
        nargs="*",
        metavar=f"[{{{','.join(values)}}}]",
        instance_from_str=read,
        is_instance=lambda value: value in values.values(),
        str_from_instance=lambda value: [str(value).lower()],
    )


@_REGISTRY.primitive_rule
def _number_or_auto(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """Read a whole number or the word auto, and show it as INT|auto in the help."""
    if set(get_args(info.type)) != {int, Literal["auto"]}:
        return None

    def read(words: list[str]) -> Any:
        if not re.fullmatch(r"auto|-?[0-9]+", words[0]):
            raise ValueError("expected a whole number or auto")
        return words[0] if words[0] == "auto" else int(words[0])

    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="INT|auto",
        instance_from_str=read,
        is_instance=lambda value: value == "auto" or (isinstance(value, int) and not isinstance(value, bool)),
        str_from_instance=lambda value: [str(value)],
    )


@contextlib.contextmanager
def _columns(number: int) -> Iterator[None]:
    """Let tyro lay its text out for `number` columns."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(number)
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


def _call_tyro(command: ModuleType, name: str, words: list[str], default: Any = None) -> Any:
    options = {} if default is None else {"default": default}
    return tyro.cli(
        command.Arguments,
        prog=f"gpt25 {name}",
        description=re.sub(r"(?<=\S)\n(?=\S)", " ", command.__doc__ or ""),  # tyro takes a line with ` for markup
        args=words,
        config=_CONFIGURATION,
        registry=_REGISTRY,
        **options,
    )


def _wants_help(words: list[str]) -> bool:
    return any(word in ("--help", "-h") for word in words)


def _plain(flag: str) -> str:
    return flag.partition("=")[0].replace("_", "-")


class _HelpStream(io.StringIO):
    """Takes tyro's help: with the boxes that an encoding can show, standard output's by default; without colours."""

    def __init__(self, encoding: str | None) -> None:
        super().__init__()
        self._encoding = encoding or getattr(sys.stdout, "encoding", None) or "utf-8"

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding


class _Utf8Stream(io.StringIO):
    """Lets tyro draw the box around a complaint that `plain_complaint` knows, whatever standard output can show."""

    encoding = "utf-8"


def help_of(
    command: ModuleType,
    name: str,
    words: list[str],
    *,
    columns: int,
    default: Any = None,
    encoding: str | None = None,
) -> str:
    """The text of `gpt25 NAME WORDS…`, where the words ask for help; empty when they lead to none.

    encoding: whose characters may be in it; None for what standard output can show.
    """
    text = _HelpStream(encoding)
    with (
        _columns(columns),
        contextlib.redirect_stdout(text),
        contextlib.redirect_stderr(io.StringIO()),
        contextlib.suppress(SystemExit),
    ):
        _call_tyro(command, name, words, default)
    plain = plain_help(text.getvalue().rstrip())
    # tyro lays out everything but the description.
    return "\n".join(
        textwrap.fill(line, columns, subsequent_indent=" " * 8 if line.startswith("usage:") else "")
        if line[:1].isalpha()
        else line
        for line in plain.splitlines()
    )


def known_flags(command: ModuleType, name: str, words: list[str], default: Any = None) -> set[str]:
    """Every flag of the command, or of the subcommand that `words` begin with: {"--help", "--json", …}."""
    leading = [word for word in words[:1] if not word.startswith("-")]
    text = ""
    for words_before in (leading, []):
        asked = [*words_before, "--help"]
        text = text or help_of(command, name, asked, columns=_UNWRAPPED_COLUMNS, default=default, encoding="utf-8")
    # A row's own flags stand behind the edge of the box; others are spoken of in the texts.
    return {_plain(flag) for row in _FLAGS_OF_A_ROW.findall(text) for flag in row if flag}


def subcommands(command: ModuleType) -> list[str]:
    """The subcommands of a command, in the order of its help; empty when it has none."""
    choices = get_args(command.Arguments) if not isinstance(command.Arguments, type) else ()
    markers = [marker for choice in choices for marker in getattr(choice, "__metadata__", ())]
    return [marker.name for marker in markers if getattr(marker, "name", None)]


def _unknown_flag(name: str, words: list[str], known: set[str]) -> str | None:
    """One sentence about the first flag that does not exist, or None when all of them do."""
    for word in words:
        if word == "--":
            return None
        if not word.startswith("--") or _plain(word) in known:
            continue
        nearest = difflib.get_close_matches(_plain(word), known, n=1, cutoff=0.5)
        advice = f"did you mean {nearest[0]}?" if nearest else f"its flags are {', '.join(sorted(known))}."
        return f"gpt25 {name} has no flag {word.partition('=')[0]}; {advice}"
    return None


def _wrong_subcommand(name: str, words: list[str], offered: list[str]) -> str | None:
    """One sentence when the first word ought to be a subcommand and is not."""
    if not offered or (words and words[0] in offered):
        return None
    choice = ", ".join(offered[:-1]) + f" or {offered[-1]}"
    if not words or words[0].startswith("-"):
        return f"gpt25 {name} needs one more word: {choice}"
    nearest = difflib.get_close_matches(words[0], offered, n=1, cutoff=0.5)
    return f"gpt25 {name} has no {words[0]!r}; did you mean {nearest[0] if nearest else choice}?"


def _wrong_words(command: ModuleType, name: str, words: list[str], default: Any, complaint: str) -> ConfigurationError:
    """The error for words that tyro refused: our own sentence for the common mistakes, else tyro's, unboxed."""
    offered = subcommands(command)
    sentence = _wrong_subcommand(name, words, offered)
    if sentence is None:
        known = known_flags(command, name, words, default)
        name = f"{name} {words[0]}" if offered else name
        sentence = _unknown_flag(name, words, known)
    if sentence is None:
        first, *others = plain_complaint(complaint, name)
        sentence = "\n".join([f"gpt25 {name}: {with_flag_names(first, known)}", *others[: _MOST_LINES_OF_AN_ERROR - 1]])
    return ConfigurationError(f"{sentence}\n{_where_it_is_listed(name)}")


def _where_it_is_listed(name: str) -> str:
    return f"{in_this_shell(f'gpt25 {name} --help')} lists what there is."


def _with_present_name(word: str, others: dict[str, str]) -> str:
    """_with_present_name("--data.json_field=a", {"--data.json-field": "--data.field"}) -> "--data.field=a"."""
    flag, equals, value = word.partition("=")
    name = others.get(_plain(flag)) if flag.startswith("--") else None
    return word if name is None else f"{name}{equals}{value}"


def parse(command: ModuleType, name: str, words: list[str]) -> Any:
    """The command's `Arguments` from its words, or None when help was asked for and printed.

    A module may define `defaults(words)`, which returns the `Arguments` that the words then change, or None where the
    first word is not the one that they depend on. Its `OTHER_FLAGS` are other names of flags, such as former ones,
    which the help does not show; its `TAKES_TEXT` is the subcommand whose first word is a text, which may be empty.
    Raises ConfigurationError, in a few lines, for a missing, unknown, empty or unreadable word.
    """
    words = [_with_present_name(word, getattr(command, "OTHER_FLAGS", {})) for word in words]
    require_no_empty_word(name, words, takes_text=getattr(command, "TAKES_TEXT", None) in words[:1])
    default = command.defaults(words) if hasattr(command, "defaults") else None
    if _wants_help(words):
        columns = min(shutil.get_terminal_size().columns, _WIDEST_HELP_IN_COLUMNS)
        text = help_of(command, name, words, columns=columns, default=default)
        Output().say(text or help_of(command, name, ["--help"], columns=columns, default=default))
        return None
    if hasattr(command, "defaults") and default is None and words:
        raise ConfigurationError(
            f"gpt25 {name} takes its flags after its first word, because their defaults depend on it; "
            f"{words[0]!r} came first.\n{_where_it_is_listed(name)}"
        )
    complaint, printed = io.StringIO(), _Utf8Stream()
    try:
        with (
            _columns(_UNWRAPPED_COLUMNS),
            contextlib.redirect_stderr(complaint),
            contextlib.redirect_stdout(printed),
        ):
            return _call_tyro(command, name, words, default)
    except SystemExit as stop:
        if not stop.code:
            Output().say(printed.getvalue(), end="")
            return None
        raise _wrong_words(command, name, words, default, complaint.getvalue()) from None
