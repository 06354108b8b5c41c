"""One model on one task."""

from collections.abc import Sequence
from typing import Any

from gpt25.data import open_shards
from gpt25.errors import EvaluationError
from gpt25.evaluation.core.core import score_core
from gpt25.evaluation.examples import Examples
from gpt25.evaluation.fitting_items import score_fitting
from gpt25.evaluation.protocols.choice_item import ChoiceItem
from gpt25.evaluation.protocols.last_word import score_last_words, stop_word_tokens
from gpt25.evaluation.protocols.minimal_pairs import score_minimal_pairs
from gpt25.evaluation.protocols.multiple_choice import score_multiple_choice
from gpt25.evaluation.protocols.text_perplexity import score_texts
from gpt25.evaluation.protocols.token_loss import score_shards
from gpt25.evaluation.scoring.continuation_scorer import ContinuationScorer, OpenProgress
from gpt25.evaluation.scoring.measurement import Measurement
from gpt25.evaluation.scoring_settings import ScoringSettings
from gpt25.evaluation.task import Task
from gpt25.model import GPTModel
from gpt25.runtime import Ranks
from gpt25.tokenizer import Tokenizer


def score(
    task: Task,
    examples: Examples,
    model: GPTModel,
    tokenizer: Tokenizer | None,
    *,
    settings: ScoringSettings | None = None,
    ranks: Ranks | None = None,
    open_progress: OpenProgress | None = None,
) -> list[Measurement]:
    """All metrics of the task. Every rank of several gets the same figures, which one alone gets too, to rounding."""
    settings = ScoringSettings() if settings is None else settings
    if task.kind == "shards":
        return _shards(task, examples, model, tokenizer, settings, ranks, open_progress)
    if tokenizer is None:
        raise EvaluationError(
            f"the model has no tokenizer, and {task.name} is made of text. Put tokenizer.json into its directory."
        )
    barred = stop_word_tokens(tokenizer) if task.kind == "last word" else []
    scorer = ContinuationScorer(
        model, batch_tokens=settings.batch_tokens, barred=barred, ranks=ranks, open_progress=open_progress
    )
    limit = settings.limit
    if task.kind == "core":
        assert examples.core is not None
        return score_core(examples.core, tokenizer, scorer, limit=limit, skip_invalid=settings.skip_invalid)
    if task.kind == "text":
        return score_texts(examples.texts, tokenizer, scorer, metrics=task.metrics, stride=settings.stride, limit=limit)
    return _items(task, examples, tokenizer, scorer, settings)


def _items(
    task: Task, examples: Examples, tokenizer: Tokenizer, scorer: ContinuationScorer, settings: ScoringSettings
) -> list[Measurement]:
    """What is scored item by item; one that cannot be a request to the model is named or left out."""

    def choices(items: Sequence[ChoiceItem]) -> list[Measurement]:
        if task.kind == "minimal pairs":
            return score_minimal_pairs(items, tokenizer, scorer)
        return score_multiple_choice(items, tokenizer, scorer, encoding=task.encoding, normalisation=task.normalisation)

    common: dict[str, Any] = {
        "tokenizer": tokenizer,
        "encoding": task.encoding,
        "block_size": scorer.model.configuration.block_size,
        "skip_invalid": settings.skip_invalid,
    }
    if task.kind == "last word":
        return score_fitting(
            examples.last_words[: settings.limit],
            lambda items: score_last_words(items, tokenizer, scorer),
            pairs_of=lambda item: [(item.context, item.last_word)],
            **common,
        )
    return score_fitting(
        examples.choices[: settings.limit],
        choices,
        pairs_of=lambda item: zip(item.contexts, item.continuations, strict=True),
        **common,
    )


def _shards(
    task: Task,
    examples: Examples,
    model: GPTModel,
    tokenizer: Tokenizer | None,
    settings: ScoringSettings,
    ranks: Ranks | None,
    open_progress: OpenProgress | None,
) -> list[Measurement]:
    shape = model.configuration
    assert examples.shards is not None
    if task.hub and tokenizer is not None and tokenizer.name != "gpt2":
        raise EvaluationError(
            f"{task.name} is the loss on tokens of GPT-2, and this model's tokenizer is {tokenizer.name}. A loss per "
            "token of other tokens is another figure: use --task loss with shards of this tokenizer and compare "
            "bits_per_byte."
        )
    shards = open_shards(
        examples.shards, "validation", tokenizer=tokenizer, vocabulary_size=None if tokenizer else shape.vocabulary_size
    )
    tokens = task.number_of_tokens
    if settings.limit is not None:
        tokens = settings.limit * shape.block_size
    rows = None if settings.batch_tokens is None else max(1, settings.batch_tokens // shape.block_size)
    return score_shards(model, shards, number_of_tokens=tokens, ranks=ranks, rows=rows, open_progress=open_progress)


def groups_last(measurements: Sequence[Measurement]) -> tuple[list[Measurement], list[Measurement]]:
    """The figures of the whole set, and those of its parts, whose names have a space."""
    return (
        [measurement for measurement in measurements if " " not in measurement.metric],
        [measurement for measurement in measurements if " " in measurement.metric],
    )
