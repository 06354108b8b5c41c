"""A command that is offered for pasting, quoted so that a shell reads its arguments as they are meant."""

import shlex
from pathlib import Path


def offered_command(*arguments: str | Path) -> str:
    r"""offered_command("gpt25", "show", Path("a run")) -> "gpt25 show 'a run'": quoted for a POSIX shell, in one line.

    A path that begins with a dash gets ./ in front, or it would be read as a flag. What cannot be shown is written
    $'\x1b', which bash, zsh and ksh read. This is what a file keeps of a command of ours; `in_this_shell` makes what is
    shown of it.
    """
    return " ".join(map(_quoted, arguments))


def _quoted(argument: str | Path) -> str:
    text = f"./{argument}" if isinstance(argument, Path) and str(argument).startswith("-") else str(argument)
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(map(_escaped, text)) + "'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))
