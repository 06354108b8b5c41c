"""Whether the trained model is better than its opponent: figure by figure, with a test, in words and as JSON."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gpt25.evaluation.kept_items import items_from_json
from gpt25.evaluation.scoring.measurement import Measurement, difference_between
from gpt25.recipes.reproduction.contest import Discipline
from gpt25.records import money_text

Judgement = Literal["better", "worse", "not shown to differ"]
SIGNIFICANCE = 0.05
"""How often a verdict on equal models may be wrong; every figure is tested at this over the number of figures
(Bonferroni), because each is another chance to err."""


@dataclass(frozen=True)
class Figure:
    """One figure of both models."""

    name: str
    ours: float
    opponent: float
    difference: float
    """Ours minus the opponent's."""
    standard_error: float | None
    p_value: float | None
    """How likely so large a difference is between equally good models."""
    verdict: Judgement
    higher_is_better: bool
    test: str
    definition: str


@dataclass(frozen=True)
class Verdict:
    """What the whole run came to."""

    verdict: Literal["better", "worse", "mixed", "not shown to differ"]
    """better and worse where every figure that differs does so that way, and for better all of them do."""
    figures: list[Figure]
    opponent: str
    is_trial: bool
    tokens: int
    hours: float
    """Of training, without pauses."""
    money: float | None
    currency: str
    commands: list[str]
    """What would have to be typed to repeat it."""

    def as_json(self) -> dict[str, Any]:
        """The object that verdict.json holds."""
        return {**dataclasses.asdict(self), "words": self.in_words}

    @property
    def in_words(self) -> str:
        """One to three sentences."""
        groups = {kind: [each.name for each in self.figures if each.verdict == kind] for kind in _IN_WORDS}
        parts = [f"{_IN_WORDS[kind]} {_listed(names)}" for kind, names in groups.items() if names]
        lead = "Trial, which says nothing about OpenAI's GPT-2: " if self.is_trial else ""
        return f"{lead}this model is {', '.join(parts)}, compared with {self.opponent}."

    def as_markdown(self) -> str:
        """A table for a README."""
        rows = [f"| figure | this model | {self.opponent} | difference | p | verdict |", "|---|---|---|---|---|---|"]
        for each in self.figures:
            error = "" if each.standard_error is None else f" ± {each.standard_error:.2g}"
            p_value = "" if each.p_value is None else f"{each.p_value:.2g}"
            rows.append(
                f"| {each.name} | {each.ours:.4f} | {each.opponent:.4f} | {each.difference:+.4f}{error} | {p_value} | "
                f"{each.verdict} |"
            )
        cost = f"{self.tokens:,} tokens, {self.hours:.2f} hours of training"
        if self.money is not None:
            cost += f", {money_text(self.money, self.currency)}"
        return "\n".join([self.in_words, "", *rows, "", f"{cost}.", ""])


_IN_WORDS: dict[Judgement, str] = {
    "better": "better in",
    "worse": "worse in",
    "not shown to differ": "not shown to differ in",
}


def judge(
    disciplines: Sequence[Discipline], own: Sequence[dict[str, Any]], opponent: Sequence[dict[str, Any]]
) -> list[Figure]:
    """Compare both models' kept results item by item.

    One training run is compared with one other model: what another seed would change (0.0013 to 0.002 nats of the
    124M's loss) is in none of the errors.
    """
    figures = []
    for discipline, one, other in zip(disciplines, own, opponent, strict=True):
        first, second = (_measurement(each, discipline.metric, source=each["model"]) for each in (one, other))
        difference = difference_between(first, second)
        figures.append(
            Figure(
                name=discipline.title,
                ours=first.value,
                opponent=second.value,
                difference=difference.value,
                standard_error=difference.standard_error,
                p_value=difference.p_value,
                verdict=_judgement(
                    difference.value, difference.p_value, _is_higher_better(discipline.metric), len(disciplines)
                ),
                higher_is_better=_is_higher_better(discipline.metric),
                test=difference.test,
                definition=first.definition,
            )
        )
    return figures


def overall(figures: Sequence[Figure]) -> Literal["better", "worse", "mixed", "not shown to differ"]:
    """Better only where every figure is: exact GPT-2s have beaten OpenAI's on HellaSwag and lost LAMBADA."""
    kinds = {each.verdict for each in figures}
    if kinds == {"better"}:
        return "better"
    if kinds == {"not shown to differ"}:
        return "not shown to differ"
    if "better" not in kinds:
        return "worse"
    return "mixed"


def _measurement(result: dict[str, Any], metric: str, *, source: str) -> Measurement:
    return items_from_json(result, source=source)[metric]


def _is_higher_better(metric: str) -> bool:
    return metric.startswith("accuracy")


def _judgement(difference: float, p_value: float | None, higher_is_better: bool, number: int) -> Judgement:
    if p_value is None or p_value >= SIGNIFICANCE / number or difference == 0:
        return "not shown to differ"
    return "better" if (difference > 0) == higher_is_better else "worse"


def _listed(names: Sequence[str]) -> str:
    """_listed(["a", "b", "c"]) -> "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
