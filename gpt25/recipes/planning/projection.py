"""The loss that a run may end with, where a published run is enough like it; and why there is no telling elsewhere."""

import dataclasses

from gpt25.model.configuration import PUBLISHED_CONFIGURATIONS
from gpt25.references.published_curve import LLM_C_124M
from gpt25.references.scores import PUBLISHED_SCORES
from gpt25.training import TrainingConfiguration

_LIKE = (
    0.05  # of the tokens: a shorter run, whose rates fall sooner, is below the curve at its end, by nobody knows what
)
_SMALL_COPIES = (
    "Small copies with Muon took 0.29 to 0.47 of AdamW's tokens for a loss, and more of them the longer they ran; fits "
    "to them leave open whether the 124M gets by with half (docs/log/fewer_tokens.md, 2026-11-26)."
)


@dataclasses.dataclass(frozen=True)
class ProjectedCrossing:
    """An OpenAI line of the loss on FineWeb, and when a run like the published one is below it."""

    model: str
    loss: float
    tokens: tuple[float, float] | None
    """At the earliest and at the latest; None where the run ends above the line."""
    hours: tuple[float, float] | None
    """Of training."""


@dataclasses.dataclass(frozen=True)
class Projection:
    """The last loss on FineWeb with its range, or the reason why there is none."""

    loss: tuple[float, float] | None
    """The lowest and the highest, in nats per token; None where no published run is like this one."""
    basis: str
    """Where the range comes from, or what is different from the published run."""
    crossings: list[ProjectedCrossing]


def project(configuration: TrainingConfiguration, tokens_per_second: float) -> Projection:
    """Project from llm.c's run of the 124M, the only one whose curve is published, and only what is a run like it."""
    curve = LLM_C_124M
    different = _differences(configuration)
    if different:
        more = f" {_SMALL_COPIES}" if configuration.optimizer.name == "muon" else ""
        return Projection(
            None,
            f"none: the published curve is of {curve.run}, {curve.total_tokens / 1e9:.0f} billion tokens in updates of "
            f"{curve.tokens_per_update:,} ({curve.source}); this run has {', '.join(different)}.{more}",
            [],
        )
    low, high = curve.last_losses
    basis = (
        f"where {curve.run} and runs like it ended ({curve.source}); tokens to a loss by straight lines between its "
        "points over their logarithm, and later by as much as these ends differ"
    )
    crossings = []
    for score in PUBLISHED_SCORES:
        if (score.task, score.metric) == ("fineweb", "loss"):
            earliest, latest = curve.tokens_to(score.value), curve.tokens_to(score.value - (high - low))
            tokens = None if earliest is None or latest is None else (earliest, latest)
            hours = (
                None if tokens is None else (_hours(tokens[0], tokens_per_second), _hours(tokens[1], tokens_per_second))
            )
            crossings.append(ProjectedCrossing(score.model, score.value, tokens, hours))
    return Projection((low, high), basis, crossings)


def _hours(tokens: float, tokens_per_second: float) -> float:
    return tokens / tokens_per_second / 3600


def _differences(configuration: TrainingConfiguration) -> list[str]:
    """What of a run is not as the published curve's, in words."""
    curve, track = LLM_C_124M, configuration.track
    shape, published = configuration.model, PUBLISHED_CONFIGURATIONS["gpt2"]
    tokens = configuration.total_tokens
    sizes = {field: getattr(published, field) for field in _SIZES}
    checks = {
        "another shape": any(getattr(shape, field) != size for field, size in sizes.items()),
        f"weights to start from ({configuration.start.model})": configuration.start.model is not None
        or configuration.start.required,
        f"the optimizer {configuration.optimizer.name}": configuration.optimizer.name != curve.optimizer,
        f"{tokens / 1e9:.3g} billion tokens": abs(tokens / curve.total_tokens - 1) > _LIKE,
        f"updates of {configuration.update_sizes}": configuration.update_sizes.all_rows
        != [curve.tokens_per_update // published.block_size],
        f"another text ({track.data_set})": track.data_set not in (None, curve.data_set),
        "texts of its own": configuration.data.directory is None,
    }
    return [words for words, differs in checks.items() if differs]


_SIZES = (
    "block_size",
    "vocabulary_size",
    "number_of_layers",
    "number_of_heads",
    "number_of_embedding_dimensions",
)
