"""What somebody types at a terminal, an entry at a time: with a history, several lines where wanted, and completion."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from gpt25.cli.session.history_file import history_file
from gpt25.errors import StorageError

if TYPE_CHECKING:
    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

QUOTE = '"""'
"""Begins and ends an entry of several lines."""


class TypedTexts(Protocol):
    """Where a session's entries come from."""

    def next(self) -> str:
        """The next entry, its line breaks included; raises EOFError at the end, KeyboardInterrupt for Ctrl-C."""


class TerminalTexts:
    """Entries from the terminal that this process has as its standard streams, through prompt_toolkit."""

    def __init__(self, words: Sequence[str], *, note: Callable[[str], None]) -> None:
        """words: what Tab completes at the beginning of an entry. note: says why there is no history, if so."""
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import WordCompleter

        self._session: PromptSession[str] = PromptSession(
            "> ",
            multiline=True,
            prompt_continuation="… ",
            key_bindings=_key_bindings(),
            history=_history(note),
            completer=WordCompleter(list(words), sentence=True),
            complete_while_typing=False,
        )

    def next(self) -> str:
        """Read an entry: Enter ends it, but not inside three quotation marks; Alt-Enter is a line break anywhere."""
        return self._session.prompt()


def is_open(entry: str) -> bool:
    """Whether an entry that is being typed began with three quotation marks and has not ended with three more."""
    return entry.startswith(QUOTE) and not (entry.rstrip().endswith(QUOTE) and len(entry.rstrip()) >= 2 * len(QUOTE))


def unquoted(entry: str) -> str:
    r"""An entry without its quotation marks and the line breaks next to them: '\"\"\"\na\nb\n\"\"\"' -> "a\nb"."""
    if not entry.startswith(QUOTE):
        return entry
    text = entry.removeprefix(QUOTE).rstrip().removesuffix(QUOTE)
    return text.removeprefix("\n").removesuffix("\n")


def _key_bindings() -> "KeyBindings":
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()

    @keys.add("enter")
    def _enter(event: "KeyPressEvent") -> None:
        buffer = event.current_buffer
        if is_open(buffer.text):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _line_break(event: "KeyPressEvent") -> None:
        event.current_buffer.insert_text("\n")

    return keys


def _history(note: Callable[[str], None]) -> "History":
    """A history in its file; in memory alone where there can be none, or no longer."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    class ForgivingFileHistory(FileHistory):
        """A disk that fills, a file that goes, or half a character among what was typed, end no session."""

        def load_history_strings(self) -> Iterable[str]:
            with contextlib.suppress(OSError):
                yield from super().load_history_strings()

        def store_string(self, string: str) -> None:
            with contextlib.suppress(OSError, UnicodeError):
                super().store_string(string)

    try:
        return ForgivingFileHistory(str(history_file()))
    except StorageError as problem:
        note(f"what you type is remembered in this session alone: {problem}")
        return InMemoryHistory()
