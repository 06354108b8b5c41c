"""Words without content, as a shell makes of a variable that is not set: no path and no name is ever meant by them."""

from gpt25.errors import ConfigurationError

_MAY_BE_EMPTY = frozenset({"--prompt", "--stop", "--loop.sample-prompt", "--message"})
"""Flags whose value is a text, which may have nothing in it."""


def require_no_empty_word(name: str, words: list[str], *, takes_text: bool = False) -> None:
    """Raise ConfigurationError for an empty word where a path, a name or a number is meant.

    An empty path would else stand for the working directory. name: of the command, for the message. takes_text: whether
    what stands before all flags is a text, too.
    """
    flag = None
    for word in words:
        if word == "--":
            return
        if word.startswith("--"):
            flag, equals, value = word.partition("=")
            flag = flag.replace("_", "-")
            if not equals or value:
                continue
        elif word:
            continue
        if flag in _MAY_BE_EMPTY or (flag is None and takes_text):
            continue
        what = "one of its words" if flag is None else flag
        raise ConfigurationError(
            f"gpt25 {name}: {what} is empty, as of a shell's variable that is not set. Write what is meant, . for the "
            "directory here."
        )
