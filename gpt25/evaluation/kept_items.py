"""What every item of a set contributed to a figure, as JSON, so that two models can be compared later."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpt25.errors import CorruptFileError
from gpt25.evaluation.examples import Examples
from gpt25.evaluation.scoring.measurement import Measurement, Sections

_MOST_SECTIONS = 5000  # articles; the lines of a large text are too many to keep


def items_as_json(measurements: Sequence[Measurement]) -> dict[str, Any]:
    """{metric: {"scale", "units", "numerators", "denominators"}}: zeros and ones as one text, equal numbers as one.

    Of 10,042 items an accuracy takes 10 kB. Of a text that is cut by tokens there are also the sums by article, under
    `sections`. Figures of fixed sets together (`strata`) are left out.
    """
    return {each.metric: _as_json(each) for each in measurements if each.strata is None}


def _as_json(measurement: Measurement) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "scale": measurement.scale,
        "units": measurement.number_of_items,
        "numerators": _packed(measurement.numerators),
        "denominators": _packed(measurement.denominators),
    }
    sections = measurement.sections
    if sections is not None and 1 < len(sections.numerators) <= _MOST_SECTIONS:
        kept["sections"] = {
            "kind": sections.kind,
            "units": len(sections.numerators),
            "numerators": _packed(sections.numerators),
            "denominators": _packed(sections.denominators),
        }
    return kept


def items_from_json(content: dict[str, Any], *, source: str) -> dict[str, Measurement]:
    """The measurements that a kept result holds, by metric; {} where it keeps no items.

    Raises CorruptFileError, naming `source`, for items that nobody can have written here.
    """
    items, units = content.get("items") or {}, content.get("units")
    definitions = content.get("definitions") or {}
    measurements = {}
    try:
        for metric, each in items.items():
            if each["scale"] not in ("mean", "exponential", "bits"):
                raise ValueError(f"the scale {each['scale']!r}")
            definition = definitions.get(metric, "")
            sections = None
            if "sections" in each:
                sections = Sections(str(each["sections"]["kind"]), *_pair(each["sections"], units))
            measurements[metric] = Measurement(
                metric, definition, *_pair(each, units), scale=each["scale"], sections=sections
            )
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise CorruptFileError(f"{source} does not hold the items of an evaluation: {problem}") from problem
    return measurements


def fingerprint_of(examples: Examples) -> str | None:
    """SHA-256 of the items as they were read; None for token shards and CORE, which are files."""
    read = (*examples.choices, *examples.last_words, *examples.texts)
    return hashlib.sha256(repr(read).encode("utf-8", "surrogatepass")).hexdigest() if read else None


def _pair(content: dict[str, Any], units: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    numerators, denominators = (
        _unpacked(content[name], content.get("units", units)) for name in ("numerators", "denominators")
    )
    if len(numerators) != len(denominators):
        raise ValueError(f"{len(numerators)} numerators and {len(denominators)} denominators")
    return numerators, denominators


def _packed(values: NDArray[np.float64]) -> str | float | list[float]:
    if len(values) and (values == values[0]).all():
        return float(values[0])
    if np.isin(values, (0, 1)).all():
        return "".join("1" if value else "0" for value in values)
    return [float(f"{value:.9g}") for value in values]


def _unpacked(content: Any, units: Any) -> NDArray[np.float64]:
    if isinstance(content, str):
        if set(content) - {"0", "1"}:
            raise ValueError("a text of other characters than 0 and 1")
        return np.array([float(character) for character in content])
    if isinstance(content, int | float):
        return np.full(int(units), float(content))
    return np.array([float(value) for value in content])
