"""A set's rows into items: a bad one is named, or counted and left out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from gpt25.counted import counted
from gpt25.errors import DataError, EvaluationError
from gpt25.evaluation.sets.data_files import Row
from gpt25.evaluation.sets.row_fields import NoAnswerError

T = TypeVar("T")


@dataclass(frozen=True)
class CheckedItems(Generic[T]):
    """The items that could be read, and what was wrong with the others."""

    items: list[T]
    left_out: list[str]
    """One sentence a row, with file and number."""


def checked_items(
    numbered: Iterable[tuple[str, Row]], read: Callable[[Row], T], *, reader: str, source: str, skip_invalid: bool
) -> CheckedItems[T]:
    """Read rows, each with its location for messages ("set.jsonl, row 7").

    reader: who cannot read a row otherwise, for messages ("the task piqa"). skip_invalid: leave bad rows out and say
    which, instead of ending at the first.

    Raises DataError for a row that does not fit, with its place and what is wrong, and for a set in which no row says
    which answer is right: that is its test split.
    """
    items: list[T] = []
    left_out: list[str] = []
    without_answer = 0
    for where, row in numbered:
        try:
            items.append(read(row))
            continue
        except KeyError as problem:
            fault = f"has no field {problem}. {_capitalised(reader)} does not know rows with the fields {_fields(row)}"
        except NoAnswerError as problem:
            fault = str(problem)
            without_answer += 1
        except (EvaluationError, ValueError, TypeError, IndexError, AttributeError, OverflowError) as problem:
            fault = f"cannot be read by {reader}: {str(problem).rstrip('.')}"
        left_out.append(f"{where} {fault}")
        if not skip_invalid and (items or without_answer < len(left_out)):
            break
    if left_out and without_answer == len(left_out) and not items:
        raise DataError(
            f"{left_out[0]}, and no other row says it either: {source} has no answers, as the test splits of many sets "
            "have none. Score the set's validation split."
        )
    if left_out and (not skip_invalid or not items):
        raise DataError(f"{left_out[0]}. Mend the row, or leave such rows out, counted, with --skip-invalid.")
    return CheckedItems(items, left_out)


def left_out_note(left_out: Sequence[str]) -> str:
    """left_out_note([]) -> ""; else " (2 rows left out: FILE, row 7 …)", for behind the set's name."""
    if not left_out:
        return ""
    rows = counted(len(left_out), "rows")
    more = "" if len(left_out) == 1 else ", and others"
    return f" ({rows} left out: {left_out[0]}{more})"


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _fields(row: Row) -> str:
    return ", ".join(sorted(row)) or "(none)"
