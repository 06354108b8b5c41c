"""HellaSwag while a model trains: the set is read at the start, every rank scores its shard of it."""

import copy
from collections.abc import Callable

from gpt25.errors import DataError, GPT25Error
from gpt25.evaluation import Examples, ScoringSettings, find_task, read_examples, score
from gpt25.model import GPTModel
from gpt25.runtime import Ranks, choose_device, choose_precision
from gpt25.tokenizer import Tokenizer
from gpt25.training import HellaSwagConfiguration, TrainingConfiguration

_TASK = "hellaswag"


def hellaswag_examples(settings: HellaSwagConfiguration) -> Examples | None:
    """The items, None where the configuration does not want them; raises DataError at once where they cannot be had."""
    if settings.interval_in_updates is None:
        return None
    try:
        return read_examples(find_task(_TASK), settings.data)
    except GPT25Error as problem:
        raise DataError(
            f"HellaSwag cannot be measured while the model trains: {problem} Name a file of the set with "
            "--hellaswag.data FILE, or leave hellaswag.interval_in_updates out."
        ) from problem


def hellaswag_hook(
    configuration: TrainingConfiguration, examples: Examples | None, tokenizer: Tokenizer, ranks: Ranks
) -> Callable[[GPTModel, int], dict[str, float]]:
    """A hook that scores the model when that is due: {} at most updates, else the metrics for metrics.jsonl.

    The weights are those of training; with bfloat16 a copy of them is rounded to it, which is how llm.c's published
    figures were made.
    """
    settings = configuration.hellaswag

    def score_if_due(model: GPTModel, update: int) -> dict[str, float]:
        interval = settings.interval_in_updates
        if examples is None or interval is None:
            return {}
        if update % interval and update != configuration.loop.number_of_updates:
            return {}
        precision = choose_precision(choose_device(configuration.loop.device), configuration.loop.precision)
        scored = model if precision.name == "float32" else copy.deepcopy(model).to(precision.dtype)
        scoring_settings = ScoringSettings(settings.limit, batch_tokens=_batch_tokens(configuration, model))
        measurements = score(find_task(_TASK), examples, scored, tokenizer, settings=scoring_settings, ranks=ranks)
        metrics = {f"hellaswag_{each.metric}": each.value for each in measurements}
        norm = next(each for each in measurements if each.metric == "accuracy_norm")
        if norm.standard_error is not None:
            metrics["hellaswag_standard_error"] = norm.standard_error
        return {**metrics, "hellaswag_items": norm.number_of_items}

    return score_if_due


def _batch_tokens(configuration: TrainingConfiguration, model: GPTModel) -> int | None:
    """On a GPU no more tokens at once than training reads, so that scoring fits wherever training does."""
    if model.transformer.word_token_embeddings.weight.device.type == "cpu":
        return None
    return configuration.batch.rows_unless_chosen * configuration.model.block_size
