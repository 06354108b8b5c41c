"""Content of JSON and TOML as typed records: the one place that checks the types, bounds and names of fields.

msgspec does the checking: it knows dataclasses as they are, is strict (true is no number, "3" none either) and comes
without dependencies. Its messages name the field; here they become ours, with the value.
"""

import dataclasses
import difflib
import re
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from gpt25.errors import ConfigurationError, CorruptFileError, GPT25Error
from gpt25.storage.reading.field_types import PLAIN_NAME_PATTERN, SHA256_PATTERN
from gpt25.storage.reading.json_values import kind_in_words, short

T = TypeVar("T")
MoreKeys = Literal["refused", "ignored"]

_FIELD = re.compile(r" - at (?:`key` in )?`\$(?P<field>[^`]*)`\Z", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<kinds>[^`]+)`(?P<rule>(?: [<>]=? \S+)?)(?:, got .*)?\Z", re.DOTALL)
_STEP = re.compile(r"\[(?P<place>\d+)\]|\.(?P<name>[^.\[]+)|\[\.\.\.\]")
_KINDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a text in quotes",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_PATTERNS = {PLAIN_NAME_PATTERN: "the plain name of a file beside it", SHA256_PATTERN: "64 hexadecimal digits"}


def record_from(
    content: Any,
    kind: type[T],
    *,
    where: str,
    more_keys: MoreKeys,
    advice: str = "",
    error: type[GPT25Error] = CorruptFileError,
) -> T:
    """`content` as a dataclass, every field of the type that it says; lists become tuples where it says so.

    more_keys: keys that no field has are "refused", naming the nearest, in files whose version would tell of new ones,
    and "ignored" where later releases may write more. Raises `error`: file (`where`), field, value and rule, `advice`.
    """
    try:
        record = msgspec.convert(content, kind, strict=True)
    except msgspec.ValidationError as problem:
        raise error(f"{where}{_in_words(str(problem), content, kind)}{advice}") from problem
    except UnicodeEncodeError as problem:
        raise error(f"{where}: {short(problem.object)} is no name: it holds half a character.{advice}") from problem
    if more_keys == "refused":
        _require_no_more_keys(content, record, where=where, advice=advice, error=error)
    return record


def value_from(value: Any, kind: Any, *, where: str) -> Any:
    """A single value of a configuration as the type of its field; raises ConfigurationError beginning with `where`."""
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as problem:
        alternatives = [kind] if isinstance(kind, type) else [each for each in get_args(kind) if each is not type(None)]
        words = [
            word
            for each in alternatives
            for word in (map(repr, get_args(each)) if get_origin(each) is Literal else [_KINDS[each.__name__]])
        ]
        raise ConfigurationError(f"{where} is {short(value)}; it must be {' or '.join(words)}.") from problem


def _in_words(message: str, content: Any, kind: Any) -> str:
    """What is wrong, in which field and with which value, from msgspec's message."""
    place = _FIELD.search(message)
    problem = message[: place.start()] if place else message
    steps = _steps(message, place["field"], content, kind) if place else []
    field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
    if problem.startswith("Object missing required field"):
        missing = problem.split("`")[1]
        return f" has no {f'{field}.{missing}' if field else missing}."
    value = content
    for step in steps:
        value = value[step]
    named = f": {field} is {short(value)}" if field else f" holds {kind_in_words(value)}"
    return f"{named}; it must be {_rule(problem)}."


def _steps(message: str, path: str, content: Any, kind: Any) -> list[int | str]:
    """The places and names on the way to a field; where msgspec says "[...]" for an object's key, the key itself."""
    steps: list[int | str] = []
    here = content
    for found in _STEP.finditer(path):
        step = found["name"] if found["place"] is None else int(found["place"])
        step = _bad_key(message, here, steps, content, kind) if step is None else step
        steps.append(step)
        here = here[step]
    return steps


def _bad_key(message: str, entries: dict[str, Any], steps: list[int | str], content: Any, kind: Any) -> str:
    """The first key of the object at `steps` with which alone the content is refused in the same words."""
    for key in entries:
        try:
            msgspec.convert(_with_only(content, steps, key), kind, strict=True)
        except (msgspec.ValidationError, UnicodeEncodeError) as problem:
            if str(problem) == message:
                return key
    raise AssertionError(f"msgspec refused an object of which it takes every entry: {message}")


def _with_only(content: Any, steps: list[int | str], key: str) -> Any:
    if not steps:
        return {key: content[key]}
    copy = content.copy()
    copy[steps[0]] = _with_only(content[steps[0]], steps[1:], key)
    return copy


def _rule(problem: str) -> str:
    for pattern, words in _PATTERNS.items():
        if pattern in problem.replace("\\\\", "\\"):
            return words
    expected = _EXPECTED.match(problem)
    if expected is None:
        return {"Number": "a finite number of ordinary size"}.get(problem.split()[0], "one of the known words")
    kinds = " or ".join(_KINDS.get(kind, kind) for kind in expected["kinds"].split(" | "))
    return kinds + expected["rule"].replace(">=", "of at least").replace("<=", "of at most")


def _require_no_more_keys(content: Any, record: Any, *, where: str, advice: str, error: type[GPT25Error]) -> None:
    """Walk a record and what it was made of side by side."""
    pending = [("", content, record)]
    while pending:
        field, given, made = pending.pop()
        if dataclasses.is_dataclass(made) and isinstance(given, dict):
            names = [each.name for each in dataclasses.fields(made)]
            for key in given:
                if key not in names:
                    nearest = difflib.get_close_matches(str(key), names, n=1, cutoff=0.0)[0]
                    raise error(
                        f"{where}: there is no field {short(f'{field}{key}')}; did you mean {nearest!r}? A later "
                        f"release of gpt25 may know it.{advice}"
                    )
            pending += [(f"{field}{key}.", value, getattr(made, key)) for key, value in given.items()]
        elif isinstance(made, tuple | list) and isinstance(given, list):
            pending += [(f"{field.rstrip('.')}[{n}].", *both) for n, both in enumerate(zip(given, made, strict=True))]
        elif isinstance(made, dict) and isinstance(given, dict):
            pending += [(f"{field}{key}.", value, made[key]) for key, value in given.items()]
