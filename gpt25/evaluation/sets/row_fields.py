"""A set's fields, checked where they are read: what is wrong with a row is reported and never guessed."""

from collections.abc import Sequence
from typing import Any

from gpt25.evaluation.sets.data_files import Row


class NoAnswerError(ValueError):
    """A row does not say which answer is right, as in the test splits of many sets."""


def text_of(row: Row, name: str) -> str:
    """A text that is not blank. Raises KeyError where the field is missing, ValueError for anything else."""
    value = row[name]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is {_abbreviated(value)}, expected a text")
    return value


def texts_of(row: Row, name: str, *, number: Sequence[int] | range | None = None) -> list[str]:
    """A list of texts, none blank, as many as one of `number` says. Raises as `text_of` does."""
    values = row[name]
    if not isinstance(values, list | tuple):
        raise ValueError(f"{name} is {_abbreviated(values)}, expected a list of texts")
    texts = [text_of({f"{name}[{place}]": value}, f"{name}[{place}]") for place, value in enumerate(values)]
    if not texts or (number is not None and len(texts) not in number):
        expected = "at least 1" if number is None else " or ".join(map(str, number))
        raise ValueError(f"{name} has {len(texts)} entries, expected {expected}; it may be of another set")
    return texts


def answer_of(row: Row, name: str, *, choices: int, first: int = 0) -> int:
    """Which of `choices` answers is right, from 0; the field counts from `first`, as a number or as digits.

    Raises NoAnswerError where it is missing, null, empty or -1 (the mark of rows without an answer), ValueError for a
    fraction, for what is no number and for one out of range.
    """
    value = row.get(name)
    _require_answer(name, value)
    last = first + choices - 1
    number = _integer(value)
    if number is None or not first <= number <= last:
        raise ValueError(f"{name} is {_abbreviated(value)}, expected a whole number from {first} to {last}")
    return number - first


def answer_among(row: Row, name: str, answers: Sequence[str]) -> int:
    """The index of the right answer among `answers`, one of which the field repeats. Raises as `answer_of` does."""
    value = row.get(name)
    _require_answer(name, value)
    if not isinstance(value, str) or value.strip() not in answers:
        raise ValueError(f"{name} is {_abbreviated(value)}, expected one of {', '.join(answers)}")
    return list(answers).index(value.strip())


def _require_answer(name: str, value: Any) -> None:
    if value is None or value != value or value in ("", -1, "-1") or (isinstance(value, str) and not value.strip()):
        raise NoAnswerError(
            f"does not say which answer is right: {name} is {'missing' if value is None else repr(value)}"
        )


def _integer(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if value.strip().isdecimal() and len(value) < 10 else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return int(value) if isinstance(value, int) else None


def _abbreviated(value: Any) -> str:
    if isinstance(value, str) and not value.strip():
        return "empty"
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
