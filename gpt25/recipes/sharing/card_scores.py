"""The figures of a model card: each with its error, and with what exactly was measured."""

from dataclasses import dataclass
from typing import Any

from gpt25.evaluation.tasks import TASKS
from gpt25.recipes.sharing.card_facts import CardFacts


@dataclass(frozen=True)
class CardScore:
    """One figure."""

    task: str
    """A word for tables: "hellaswag", or "validation"."""
    metric: str
    value: float
    standard_error: float | None
    definition: str
    data_set: str
    """The set's name on the Hugging Face Hub where it lies there, else the task's."""
    title: str
    """The set in words."""


def card_scores(facts: CardFacts) -> list[CardScore]:
    """The validation loss, bits per byte where all held-out text was read, and every evaluation of this checkpoint."""
    if facts.checkpoint is None:
        return []
    scores = []
    if facts.checkpoint.validation_loss is not None:
        scores.append(_held_out(facts, "loss", facts.checkpoint.validation_loss, _validation_definition(facts)))
    if facts.is_last and facts.run is not None and facts.run.summary.bits_per_byte is not None:
        definition = (
            "bits for each UTF-8 byte of all held-out text, every token but those of the first block read behind at "
            "least half a block"
        )
        scores.append(_held_out(facts, "bits_per_byte", facts.run.summary.bits_per_byte, definition))
    return [*scores, *(score for each in facts.checkpoint.evaluations for score in _of_evaluation(each))]


def _held_out(facts: CardFacts, metric: str, value: float, definition: str) -> CardScore:
    data = facts.data
    title = "held-out part of " + ("the training texts" if data is None else data.in_words)
    repository = None if data is None or data.known is None else data.known.repository
    names = [repository] if repository else [] if data is None else [*data.hub_names]
    return CardScore("validation", metric, value, None, definition, names[0] if names else "text", title)


def _validation_definition(facts: CardFacts) -> str:
    """What a run's validation loss is: of how many tokens, which, and with how much before each."""
    block_size = facts.description["configuration"]["block_size"]
    data = facts.recipe.get("data")
    data = data if isinstance(data, dict) else {}
    limit = data.get("validation_tokens")
    held_out = None if facts.data is None or facts.data.validation is None else facts.data.validation.tokens
    most = [number for number in (limit, None if held_out is None else held_out - 1) if isinstance(number, int)]
    read = f"{min(most) // block_size * block_size:,} " if most else ""
    which = "the first ones" if data.get("validation_selection", "first") == "first" else "spread evenly"
    which = "" if held_out is None or limit is None or limit >= held_out else f", {which}"
    return (
        f"mean cross-entropy in nats per token over {read}held-out tokens{which}, in windows of {block_size:,} that do "
        "not overlap and know nothing of one another"
    )


def _of_evaluation(evaluation: dict[str, Any]) -> list[CardScore]:
    name = evaluation["task"]
    task = TASKS.get(name)
    limit = evaluation.get("limit")
    errors, definitions = evaluation.get("standard_errors") or {}, evaluation.get("definitions") or {}
    return [
        CardScore(
            task=name if limit is None else f"{name}, first {limit:,}",
            metric=metric,
            value=value,
            standard_error=errors.get(metric),
            definition=definitions.get(metric, ""),
            data_set=task.hub[0].repository if task is not None and task.hub else name,
            title=name if task is None else task.title,
        )
        for metric, value in evaluation["metrics"].items()
        if value is not None
    ]
