"""Help that speaks of what can be typed, where tyro's speaks of Python's types."""

import re
from collections.abc import Callable

_REPEATED = re.compile(r"\[(?P<one>[A-Z]+(?: [A-Z]+)*) \[(?P=one) \.\.\.\]\]")
_PUZZLING = re.compile(r"\(default: (True|False|)\)")


def plain_help(text: str) -> str:
    """Help with [STR ...] for [STR [STR ...]], no choice called None, and no default that says nothing.

    What becomes shorter is filled up with spaces, so that boxes stay straight.
    """
    for pattern, replacement in (
        (r"\{None\}\|\{(.*\])\}", r"\1"),
        (r"\{None,([^}]*\})", r"{\1"),
        (r"\(default: None\)", "(default: none)"),
    ):
        text = re.sub(pattern, _filled(replacement), text)
    text = _REPEATED.sub(_filled(r"[\g<one> ...]"), text)
    # A switch's name says what it does, "default: False" behind it only puzzles; nor has an empty default a meaning.
    return _PUZZLING.sub(lambda match: " " * len(match[0]), text)


def _filled(replacement: str) -> Callable[[re.Match[str]], str]:
    return lambda match: match.expand(replacement).ljust(len(match[0]))
