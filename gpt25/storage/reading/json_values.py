"""From bytes to JSON values, with an end to everything that a file may ask for."""

import json
import math
from collections.abc import Iterable
from typing import Any

from gpt25.errors import CorruptFileError, GPT25Error

LARGEST_DEPTH = 64
"""Objects and lists inside one another. What we write has 5."""

_TOO_MANY_DIGITS = "a whole number has more than 4,300 digits"
TOO_DEEP = "its objects and lists stand too deep in one another"


def parse_json(content: str | bytes, *, where: str, error: type[GPT25Error] = CorruptFileError) -> Any:
    """The one JSON value of a text, or of bytes in any UTF; `error`, beginning with `where`, for anything else.

    Whole numbers have at most 4,300 digits, Python's own limit: more would take time that grows with their square.
    """
    try:
        return json.loads(content)
    except RecursionError as problem:
        raise error(f"{where} is not JSON: {TOO_DEEP}") from problem
    except ValueError as problem:
        reason = _TOO_MANY_DIGITS if "integer string conversion" in str(problem) else str(problem)
        raise error(f"{where} is not JSON: {reason}") from problem


def require_plain(value: Any, *, where: str) -> None:
    """Raise CorruptFileError, naming the field, unless a value of JSON or TOML is what any code may reckon with.

    Objects and lists are at most LARGEST_DEPTH deep. NaN, infinity and whole numbers that no float can hold, which
    JSON itself does not have, are refused.
    """
    level = [value]
    for _ in range(LARGEST_DEPTH + 1):
        for each in level:
            if isinstance(each, int | float) and not _fits_a_float(each):
                raise CorruptFileError(
                    f"{where}: {_field_of(each, value)} is {short(each)}; it must be a finite number of ordinary size."
                )
        level = [inner for each in level for inner in _contents(each)]
        if not level:
            return
    raise CorruptFileError(f"{where}: {TOO_DEEP}; at most {LARGEST_DEPTH} are read.")


def kind_in_words(value: Any) -> str:
    """What a value of JSON is, for people: kind_in_words({}) -> "an object"."""
    return {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(
        type(value), "a number"
    )


def short(value: Any) -> str:
    """A value as a message shows it, cut where it is long."""
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:80]}…"


def _contents(value: Any) -> Iterable[Any]:
    """What a value holds directly; its keys are texts."""
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _field_of(wanted: Any, value: Any) -> str:
    """The way to the very number that was found, as in "train.shards[0].tokens"."""
    pending = [("", value)]
    while pending:
        field, each = pending.pop()
        if each is wanted:
            return field.lstrip(".") or "it"
        if isinstance(each, dict):
            pending += [(f"{field}.{name}", inner) for name, inner in each.items()]
        elif isinstance(each, list):
            pending += [(f"{field}[{place}]", inner) for place, inner in enumerate(each)]
    raise AssertionError("a number was found in a value that does not hold it")


def _fits_a_float(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return False
