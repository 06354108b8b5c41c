"""What an entry of a session asks for: a new text, or one of the commands that begin with a slash."""

import difflib
import re
from dataclasses import dataclass

from gpt25.cli.session.session_settings import SETTING_NAMES
from gpt25.cli.session.typed_texts import QUOTE, unquoted
from gpt25.errors import GenerationError

COMMANDS = {
    "continue": ("[TEXT]", "write on behind the text, with TEXT added to it first"),
    "retry": ("", "write the last piece once more, with the next seed"),
    "undo": ("", "take the last piece back, and what was typed for it"),
    "pick": ("NUMBER", "go on with that sample, where /samples asks for several"),
    "new": ("", "a text from nothing, as a document begins"),
    "show": ("", "the whole text, and how much of it the model reads"),
    "settings": ("", "how the next token is chosen"),
    "reset": ("", "the settings with which the session began"),
    "help": ("", "this list"),
    "quit": ("", "end; so does Ctrl-D"),
}
"""Every command but those of the settings: what follows it, and what it does."""
_COMMAND = re.compile(r"/([A-Za-z][\w-]*)(.*)", re.DOTALL)
_SETTINGS_OF_A_LINE = 4


@dataclass(frozen=True)
class Entry:
    """One entry, taken apart."""

    command: str | None
    """A key of COMMANDS or one of SETTING_NAMES; None where the entry is the beginning of a text."""
    words: str
    """What stands behind the command, its first space included; else the text."""


def entry_of(typed: str) -> Entry:
    r"""Take an entry apart: "/top-k 50" -> ("top-k", " 50"), "Once" -> (None, "Once"), "//x" -> (None, "/x").

    Between three quotation marks everything is text. Raises GenerationError, naming the nearest, for a command that
    does not exist.
    """
    if typed.startswith(QUOTE):
        return Entry(None, unquoted(typed))
    if typed.startswith("//"):
        return Entry(None, typed[1:])
    found = _COMMAND.fullmatch(typed)
    if found is None:
        return Entry(None, typed)
    name = found[1].lower().replace("_", "-")
    known = [*COMMANDS, *SETTING_NAMES]
    if name not in known:
        (nearest,) = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        raise GenerationError(
            f"there is no command /{name}; did you mean /{nearest}? /help lists them. A text that begins with a "
            "slash is written with two."
        )
    return Entry(name, found[2])


def help_lines() -> list[str]:
    """What /help says, no line wider than 80 columns."""
    lines = ["What you type is continued. Commands begin with a slash:"]
    lines += [f"  {f'/{name} {after}'.rstrip():<18}{what}" for name, (after, what) in COMMANDS.items()]
    lines.append("Settings: /temperature 0.7 sets one, /temperature shows it, none turns one off:")
    for first in range(0, len(SETTING_NAMES), _SETTINGS_OF_A_LINE):
        names = SETTING_NAMES[first : first + _SETTINGS_OF_A_LINE]
        lines.append("  " + "  ".join(f"/{name}" for name in names))
    lines += [
        "Several lines: Alt-Enter for a line break, or three quotation marks before and",
        "after. Ctrl-C stops a text. The arrow keys find earlier entries, Tab completes.",
    ]
    return lines
