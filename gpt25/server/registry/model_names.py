"""The names under which a server's models are asked for."""

import re
from collections.abc import Sequence
from pathlib import Path

from gpt25.errors import ConfigurationError

_NAMED = re.compile(r"(?P<name>[\w.-]+)=(?P<word>.+)", re.ASCII)
_OTHER_CHARACTERS = re.compile(r"[^\w.@-]+", re.ASCII)


def model_names(words: Sequence[str]) -> dict[str, str]:
    """By name, the MODEL word that it stands for, in the order given.

    model_names(["gpt2", "runs/mine@best", "small=runs/other"]) ->
    {"gpt2": "gpt2", "mine@best": "runs/mine@best", "small": "runs/other"}. A name is no path: nobody who asks learns
    where a model lies, and no word of theirs is looked up anywhere but here.
    Raises ConfigurationError where there is none, or where two are called alike.
    """
    if not words:
        raise ConfigurationError("there is no model to serve; name at least one, as in: gpt25 serve gpt2")
    names: dict[str, str] = {}
    for word in words:
        match = None if _is_there(word) else _NAMED.fullmatch(word)
        name, word = (match["name"], match["word"]) if match else (_short(word), word)
        if name in names:
            raise ConfigurationError(
                f"two models would be called {name}: {names[name]} and {word}. Give one another name: other={word}"
            )
        names[name] = word
    return names


def _short(word: str) -> str:
    """The last part of a path, or the name of a Hub repository."""
    name = Path(word).name
    if name in ("", ".."):
        name = Path(word).resolve().name
    return _OTHER_CHARACTERS.sub("-", name).strip("-") or "model"


def _is_there(word: str) -> bool:
    """Whether it is a path; what is odd about one is said by whoever loads it."""
    try:
        return Path(word).exists()
    except (OSError, ValueError):
        return False
