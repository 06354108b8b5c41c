"""A score with its error, and the test of whether two models differ."""

import dataclasses
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gpt25.counted import counted
from gpt25.errors import EvaluationError
from gpt25.markup import notebook_table

Scale = Literal["mean", "exponential", "bits"]

_LARGEST_EXPONENT = 700.0  # e^709 is the largest float
_BOOTSTRAP_SAMPLES, _BOOTSTRAP_SEED = 1000, 1979
_SAME_TOTAL = 1e-9  # sums of shares of the same words differ by rounding alone


@dataclass(frozen=True, eq=False)
class Measurement:
    """One metric of one model on one set, with what every item of the set contributed.

    The figure is a ratio of sums, r = sum(numerators) / sum(denominators), on a scale: r itself, exp(r) for
    perplexities or r / ln 2 for bits. Of an accuracy the numerators are 0 and 1 and the denominators 1; of a loss they
    are the nats and the tokens of every window. `strata` tells which of several sets every item is from, where the
    figure is of fixed sets together: how far these lie apart is then no error.
    """

    metric: str
    definition: str
    numerators: NDArray[np.float64]
    denominators: NDArray[np.float64]
    scale: Scale = "mean"
    higher_is_better: bool = True
    strata: NDArray[np.int64] | None = None
    sections: "Sections | None" = None
    """The same sums by parts of the set that do not depend on tokens, such as the articles of a text."""

    def __post_init__(self) -> None:
        if not len(self.numerators) or not self.denominators.sum() > 0:
            raise EvaluationError(f"there is nothing to measure {self.metric} on: the set is empty.")

    def __repr__(self) -> str:
        """Measurement(accuracy 0.3123 ± 0.0046, 10,042 items)."""
        items = f"{self.number_of_items:,} item{'' if self.number_of_items == 1 else 's'}"
        return f"Measurement({self.metric} {_with_error(self.value, self.standard_error)}, {items})"

    def _repr_html_(self) -> str:
        """In a notebook: figure, error and items in a row, the definition below."""
        row = (self.metric, self.value, self.standard_error, self.number_of_items, self._better)
        columns = ("metric", "value", "standard error", "items", "better")
        return notebook_table("Score", [row], columns=columns, note=self.definition)

    @property
    def _better(self) -> str:
        return "higher" if self.higher_is_better else "lower"

    @property
    def number_of_items(self) -> int:
        """The sample size of the error: items, pairs, documents or windows."""
        return len(self.numerators)

    @property
    def _ratio(self) -> float:
        return float(self.numerators.sum() / self.denominators.sum())

    @property
    def value(self) -> float:
        """The figure."""
        if self.scale == "exponential":
            return math.exp(min(self._ratio, _LARGEST_EXPONENT))
        return self._ratio / math.log(2) if self.scale == "bits" else self._ratio

    @property
    def _influence(self) -> NDArray[np.float64]:
        """How far every item pulls the figure, to first order; they sum to 0 (the delta method)."""
        slope = {"mean": 1.0, "exponential": self.value, "bits": 1 / math.log(2)}[self.scale]
        with np.errstate(over="ignore"):  # of a perplexity of e^700 the error is infinite
            influence = slope * (self.numerators - self._ratio * self.denominators) / self.denominators.sum()
        if self.strata is None:
            return influence
        means = np.bincount(self.strata, influence) / np.maximum(np.bincount(self.strata), 1)  # (strata)
        return influence - means[self.strata]

    @property
    def standard_error(self) -> float | None:
        """Of the figure, as if the items were drawn at random from all such items; None where there is only one.

        For denominators of 1 this is the sample's standard deviation over the root of its size.
        """
        return _error(self._influence)

    @cached_property
    def bootstrap_error(self) -> float | None:
        """The same error without the first-order formula: how far the figure varies over 1,000 bootstrap samples.

        Of figures on a curved scale only (perplexities), where the formula is an approximation; else None. The
        samples are seeded, so that the same items always give the same error. Source: Efron 1979, "Bootstrap
        Methods: Another Look at the Jackknife".
        """
        items = self.number_of_items
        if self.scale != "exponential" or items < 2:
            return None
        generator = np.random.default_rng(_BOOTSTRAP_SEED)
        ratios = []
        for _ in range(_BOOTSTRAP_SAMPLES):
            resampled = generator.integers(items, size=items)  # (items)
            denominator = self.denominators[resampled].sum()
            ratios.append(self.numerators[resampled].sum() / denominator if denominator > 0 else self._ratio)
        return float(np.std(np.exp(np.minimum(ratios, _LARGEST_EXPONENT)), ddof=1))


@dataclass(frozen=True, eq=False)
class Sections:
    """What every part of a text contributed, whatever the tokens."""

    kind: str
    """What a part is, in the plural: "articles"."""
    numerators: NDArray[np.float64]
    denominators: NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """By how much the first model's figure is above the second's."""

    metric: str
    value: float
    standard_error: float | None
    p_value: float | None
    """How likely so large a difference is when the models are equally good, two-sided; None where that is unknown."""
    test: str
    """Which test the p-value is of, or why there is none."""
    is_paired: bool = True
    """Whether both models were compared on each item by itself."""

    def _repr_html_(self) -> str:
        """In a notebook: the difference, its error and p-value in a row, the test below."""
        row = (self.metric, self.value, self.standard_error, self.p_value)
        columns = ("metric", "first minus second", "standard error", "p-value")
        return notebook_table("Difference of two scores", [row], columns=columns, note=self.test)


def difference_between(first: Measurement, second: Measurement) -> Difference:
    """Compare two models item by item, which is far sharper than two errors side by side.

    For figures that count (every item 0 or 1) the p-value is McNemar's exact one: of the items on which the models
    disagree, either is as likely to be right. For others it is that of the paired z-test. Where models with different
    tokenizers or block sizes cut a text differently, its sections are the items; where it has none that of the unpaired
    test remains. Figures per token of different tokens are no measure of both: their difference has no error.
    """
    if first.metric != second.metric:
        raise EvaluationError(f"{first.metric} and {second.metric} are different things and cannot be compared.")
    value = first.value - second.value
    if not np.array_equal(first.denominators, second.denominators):
        return _between_different_items(first, second, value)
    with np.errstate(over="ignore", invalid="ignore"):
        error = _error(first._influence - second._influence)
    counts = all(np.isin(side.numerators, (0, 1)).all() and (side.denominators == 1).all() for side in (first, second))
    if counts:
        better = int(((first.numerators == 1) & (second.numerators == 0)).sum())
        worse = int(((first.numerators == 0) & (second.numerators == 1)).sum())
        test = f"McNemar, exact: {better:,} items right only here, {worse:,} only there"
        return Difference(first.metric, value, error, _sign_test(better, worse), test)
    test = f"paired z over {counted(first.number_of_items, 'items')}"
    return Difference(first.metric, value, error, _two_sided(value, error), test)


def _between_different_items(first: Measurement, second: Measurement, value: float) -> Difference:
    totals = [float(side.denominators.sum()) for side in (first, second)]
    if not math.isclose(*totals, rel_tol=_SAME_TOTAL):
        test = (
            f"none: the figure is per unit of {totals[0]:,.0f} here and of {totals[1]:,.0f} there (other tokens, or "
            "other parts of the text), and so no measure of both"
        )
        return Difference(first.metric, value, None, None, test, is_paired=False)
    parts = [
        dataclasses.replace(
            side, numerators=side.sections.numerators, denominators=side.sections.denominators, sections=None
        )
        for side in (first, second)
        if side.sections is not None and len(side.sections.numerators) > 1
    ]
    if len(parts) == 2 and len(parts[0].denominators) == len(parts[1].denominators):
        one, other = parts
        if np.allclose(one.denominators, other.denominators, rtol=_SAME_TOTAL):
            error = _error(one._influence - other._influence)
            assert first.sections is not None
            test = f"paired z over {one.number_of_items:,} {first.sections.kind}: the models cut the text differently"
            return Difference(first.metric, value, error, _two_sided(value, error), test)
    errors = (first.standard_error, second.standard_error)
    error = None if None in errors else math.hypot(*(each or 0.0 for each in errors))
    test = "unpaired z: the models cut the text differently"
    return Difference(first.metric, value, error, _two_sided(value, error), test, is_paired=False)


def _two_sided(value: float, error: float | None) -> float | None:
    """How likely a normal variable of that error is to be at least so far from 0."""
    return math.erfc(abs(value) / error / math.sqrt(2)) if error else None


def _with_error(value: float, error: float | None) -> str:
    """_with_error(0.31234, 0.0046) -> "0.3123 ± 0.0046"."""
    return f"{value:.4f}" if error is None else f"{value:.4f} ± {error:.4f}"


def _error(influence: NDArray[np.float64]) -> float | None:
    items = len(influence)
    if items < 2:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.sqrt(items / (items - 1) * np.square(influence).sum()))


def _sign_test(better: int, worse: int) -> float:
    """How likely a fair coin is to fall at least so unevenly, two-sided: _sign_test(0, 5) -> 0.0625."""
    total = better + worse
    tail = range(min(better, worse) + 1)
    logarithm_of_all = total * math.log(2)
    share = sum(
        math.exp(math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1) - logarithm_of_all)
        for k in tail
    )
    return min(1.0, 2 * share)
