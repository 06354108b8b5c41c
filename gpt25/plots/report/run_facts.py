"""What a report says about a run, gathered from whatever files are there."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpt25.counted import counted
from gpt25.plots.curves import Curves, curves_of, names_of
from gpt25.plots.formatting import count, count_of, duration
from gpt25.records import (
    CheckpointRecord,
    Extended,
    RunDirectory,
    Summary,
    extensions_of,
    last_and_averaged_losses,
)

_MORE_THAN_ONCE = 1.05  # epochs


@dataclass(frozen=True)
class RunFacts:
    """Everything that the sections of a report draw from."""

    name: str
    """The run directory's name."""
    summary: Summary
    """summary.json; of a run that has not ended, with what the metrics tell."""
    by_tokens: Curves
    by_seconds: Curves
    samples: list[dict[str, Any]]
    recipe_text: str
    environment: dict[str, Any]
    checkpoints: list[CheckpointRecord]
    last_update: int | None
    tokens_per_second: float | None
    """Median over the measured updates."""
    epochs: float | None = None
    """How often the training text has been read, where the newest checkpoint says how much there is of it."""
    average: tuple[float, float] | None = None
    """Validation losses of the last weights and of those averaged over the last updates; the lower one was kept."""
    extensions: Sequence[Extended] = ()
    """How the run became longer."""

    @property
    def last_training_loss(self) -> float | None:
        """The smoothed training loss at the end, None without any."""
        smoothed = self.by_tokens.smoothed
        return smoothed[-1][1] if smoothed else None


def gather(run: RunDirectory, rows: Sequence[dict[str, Any]]) -> RunFacts:
    """Read a run's other files beside its metrics; raises CorruptFileError or StorageError where one cannot be read."""
    (name,) = names_of([run])
    recipe = run.recipe()
    summary = run.read_summary()
    held_out = summary.held_out_loss if summary else None
    by_tokens, by_seconds = (curves_of(rows, name=name, x=x, held_out_loss=held_out) for x in ("tokens", "seconds"))
    checkpoints = run.checkpoints()
    if summary is None or not summary.finished:
        summary = _summary_so_far(summary, rows, by_tokens, recipe, name)
    return RunFacts(
        name=name,
        summary=summary,
        by_tokens=by_tokens,
        by_seconds=by_seconds,
        samples=run.samples(),
        recipe_text=run.recipe_path.read_text(encoding="utf-8") if recipe else "",
        environment=run.environment(),
        checkpoints=checkpoints,
        epochs=_epochs(checkpoints[-1].state()) if checkpoints else None,
        last_update=rows[-1]["update"] if rows else None,
        average=last_and_averaged_losses(rows[-1] if rows else {}),
        extensions=extensions_of(recipe),
        tokens_per_second=_median([row.get("tokens_per_second") for row in rows]),
    )


def headline(facts: RunFacts) -> str:
    """The result in one short sentence."""
    summary = facts.summary
    if not summary.finished:
        return "Not trained yet" if facts.last_update is None else "Still in training"
    best = _best_compressor(summary)
    if summary.bits_per_byte is None:
        loss = summary.validation_loss
        return "Trained" if loss is None else f"Trained to a validation loss of {loss:.3f}"
    needs = f"Predicts unseen text at {summary.bits_per_byte:.2f} bits per byte"
    if best is None or summary.bits_per_byte >= best[1]:
        return needs
    return f"{needs}, {100 * (1 - summary.bits_per_byte / best[1]):.0f} % fewer than {best[0]}"


def lead(facts: RunFacts) -> str:
    """Two or three sentences for somebody who has never heard of a loss."""
    summary = facts.summary
    model = f"A GPT-2 of {count(summary.model_parameters)} parameters" if summary.model_parameters else "A GPT-2"
    seen = f" on {count(summary.tokens)} tokens" if summary.tokens else ""
    took = f" in {duration(summary.training_seconds)}" if summary.training_seconds else ""
    if not summary.finished:
        if facts.last_update is None:
            return f"{model} before its first measured update."
        sentences = [f"{model} after {count_of(facts.last_update, 'updates')}{seen}{took}."]
        if facts.last_training_loss is not None:
            sentences.append(f"Its training loss stands at {facts.last_training_loss:.3f} nats per token.")
        return " ".join([*sentences, *_how_it_went_on(facts)])
    sentences = [f"{model}, trained{seen}{took}."]
    best = _best_compressor(summary)
    if summary.bits_per_byte is None:
        if summary.validation_loss is not None:
            sentences.append(f"On text that it never saw its loss is {summary.validation_loss:.3f} nats per token.")
    elif best is not None:
        only = "" if summary.bits_per_byte < best[1] else "only "
        sentences.append(
            f"On text that it never saw it needs {summary.bits_per_byte:.2f} bits per byte; "
            f"{best[0]}, the best of the compressors beside it, needs {only}{best[1]:.2f}."
        )
    if facts.average is not None:
        last, average = facts.average
        kept = "average" if average < last else "last weights"
        sentences.append(
            f"Averaged over its last updates, its weights validate at {average:.4f}, the last ones at {last:.4f}: "
            f"the {kept} {'is' if average < last else 'are'} what it ends with."
        )
    return " ".join([*sentences, *_how_it_went_on(facts)])


def _how_it_went_on(facts: RunFacts) -> list[str]:
    return [
        f"It was to have {counted(each.planned, 'updates')}; after update {each.after:,} it went on to "
        f"{each.updates:,}."
        for each in facts.extensions
    ]


def why_validation_differs(facts: RunFacts) -> str:
    """One sentence on the distance between both losses, for a run that validated; nothing for others."""
    if not facts.by_tokens.validation:
        return ""
    read = (
        f"which it has read {facts.epochs:.1f} times over"
        if facts.epochs is not None and facts.epochs >= _MORE_THAN_ONCE
        else "of whose documents it has already read other parts"
    )
    tokens = facts.by_tokens.validation_tokens
    few = "the validation tokens are" if tokens is None else f"{tokens:,} tokens are"
    return (
        f"Validation may lie above training because the model has learned from the training text, {read}, while the "
        f"held-out documents are new to it; and {few} a sample, which may be harder or easier than the whole."
    )


def _epochs(state: dict[str, Any]) -> float | None:
    tokens, of = state.get("tokens"), state.get("training_tokens_in_data")
    return tokens / of if isinstance(tokens, int) and isinstance(of, int) and of > 0 else None


def _best_compressor(summary: Summary) -> tuple[str, float] | None:
    return min(summary.compressors.items(), key=lambda item: item[1], default=None)


def _summary_so_far(
    known: Summary | None, rows: Sequence[dict[str, Any]], curves: Curves, recipe: dict[str, Any], name: str
) -> Summary:
    """The summary of an unfinished run."""
    title = known.title if known else recipe.get("title", name)
    last = rows[-1] if rows else {}
    seconds, tokens = last.get("elapsed_seconds"), last.get("tokens")
    return Summary(
        title=title if isinstance(title, str) else name,
        model_parameters=known.model_parameters if known else None,
        tokens=tokens if isinstance(tokens, int) else None,
        training_seconds=seconds if isinstance(seconds, int | float) and math.isfinite(seconds) else None,
        validation_loss=curves.validation[-1][1] if curves.validation else None,
    )


def _median(values: Sequence[Any]) -> float | None:
    finite = sorted(value for value in values if isinstance(value, int | float) and math.isfinite(value))
    return float(finite[len(finite) // 2]) if finite else None
