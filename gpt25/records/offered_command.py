"""A command that is offered for pasting, in words that a shell reads as they are meant."""

import shlex
from pathlib import Path


def offered_command(*words: str | Path) -> str:
    r"""offered_command("gpt25", "show", Path("a run")) -> "gpt25 show 'a run'": quoted for a POSIX shell, in one line.

    A path that begins with a dash gets ./ in front, or it would be read as a flag. What cannot be shown is written
    $'\x1b', which bash, zsh and ksh read. This is what a file keeps of a command of ours; `in_this_shell` makes what is
    shown of it.
    """
    return " ".join(map(_quoted, words))


def _quoted(word: str | Path) -> str:
    text = f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word)
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(map(_spelled, text)) + "'"


def _spelled(letter: str) -> str:
    if letter in "\\'":
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    return "".join(f"\\x{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))
