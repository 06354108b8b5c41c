"""One look at what the parts of a model do: what is drawn of it, what it found, and what is followed over a run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gpt25.figures.opened import OpenedModel
from gpt25.plots import HeatMaps


@dataclass(frozen=True)
class Look:
    """What was found in one model."""

    maps: HeatMaps
    found: Mapping[str, Any] = field(default_factory=dict)
    """The figures, for whoever computes with them."""


Progress = Callable[[int], None]


def untold(runs: int) -> None:
    """Nobody asks how far the work is."""


@dataclass(frozen=True)
class Question:
    """What is asked of a model, and of every checkpoint of a run in the same words."""

    look: Callable[[OpenedModel, Progress], Look]
    """Also told what to call with the number of runs of the model that are done."""
    measure: Callable[[OpenedModel], Mapping[str, float]]
    """The figures that are drawn over a run, by name; the same names for every checkpoint."""
    title: str
    """Of the lines over a run, without the run's name."""
    line: str
    """What to see in these lines."""
    label: str
    """What they measure, with its unit."""
    runs: int | None = None
    """How many runs of the model a look takes, where they are many."""


def numbers(count: int) -> list[str]:
    """numbers(3) -> ["0", "1", "2"]."""
    return [str(number) for number in range(count)]


def heads_by_name(values: Any, what: str = "head") -> dict[str, float]:
    """Figures of (layers, heads) by name: {"head 0.0": …, "head 0.1": …}, layer and then head."""
    return {
        f"{what} {layer}.{head}": float(value)
        for layer, of_layer in enumerate(values.tolist())
        for head, value in enumerate(of_layer)
    }
