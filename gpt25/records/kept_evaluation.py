"""What `gpt25 evaluate` keeps of one model on one task, as far as anything here reads it again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gpt25.storage import read_object, record_from
from gpt25.storage.reading.field_types import Contribution, Count, Units

_Numbers = str | Contribution | list[Contribution | None]
_NOT_OURS = " It is not what `gpt25 evaluate` writes."


@dataclass(frozen=True)
class KeptSections:
    """What every section of a text contributed: zeros and ones as one text, equal numbers as one number, or a list."""

    kind: str
    numerators: _Numbers
    denominators: _Numbers
    units: Units | None = None


@dataclass(frozen=True)
class KeptItems:
    """What every unit contributed to a figure, in the same forms."""

    scale: Literal["mean", "exponential", "bits"]
    numerators: _Numbers
    denominators: _Numbers
    units: Units | None = None
    sections: KeptSections | None = None


@dataclass(frozen=True)
class KeptEvaluation:
    """The fields that are read again; files hold more, and those of earlier releases less."""

    task: str
    metrics: dict[str, float | None]
    model: str | None = None
    update: Count | None = None
    tokens: Count | None = None
    limit: Count | None = None
    units: Units | None = None
    data: str | None = None
    data_sha256: str | None = None
    definitions: dict[str, str] | None = None
    standard_errors: dict[str, float | None] | None = None
    bootstrap_errors: dict[str, float | None] | None = None
    items: dict[str, KeptItems] | None = None


@dataclass(frozen=True)
class _Several:
    results: list[dict[str, Any]]


def read_evaluation(path: str | Path) -> dict[str, Any]:
    """The object of a file that `gpt25 evaluate` wrote of one task, its fields held to KeptEvaluation.

    Raises StorageError when it cannot be read, CorruptFileError, naming file and field, when it is something else.
    """
    return _checked(read_object(path), str(path))


def read_evaluations(path: str | Path) -> list[dict[str, Any]]:
    """The same of a file of one task or of several, an object each."""
    content = read_object(path)
    if content.get("results") is None:
        return [_checked(content, str(path))]
    several = record_from(content, _Several, where=str(path), more_keys="ignored", advice=_NOT_OURS).results
    return [_checked(each, f"{path}, result {number}") for number, each in enumerate(several, start=1)]


def _checked(content: dict[str, Any], where: str) -> dict[str, Any]:
    record_from(content, KeptEvaluation, where=where, more_keys="ignored", advice=_NOT_OURS)
    return content
