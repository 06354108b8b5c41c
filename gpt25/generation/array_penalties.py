"""What `gpt25.generation.penalties` does, to the same bits, on arrays of NumPy: for those who draw without torch."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from gpt25.generation.history import History
from gpt25.generation.sampling_settings import LARGEST_LOGIT, SamplingSettings


def apply_array_penalties(
    logits: np.ndarray, settings: Sequence[SamplingSettings], histories: Sequence[History]
) -> None:
    """Change the logits (rows, vocabulary) float32 in place: biases, then repetition, then frequency and presence."""
    for row, setting, history in zip(logits, settings, histories, strict=True):
        if setting.logit_bias:
            ids, values = zip(*setting.logit_bias, strict=True)
            row[list(ids)] += np.array(values, np.float32)  # no id stands there twice
        if setting.repetition_penalty != 1:
            _penalise_repetition(row, setting.repetition_penalty, [*history.prompt, *history.generated])
        if (setting.frequency_penalty or setting.presence_penalty) and history.generated:
            counted = Counter(history.generated)
            counts = np.array(list(counted.values()), np.float32)  # (different tokens)
            lowered = counts * np.float32(setting.frequency_penalty) + np.float32(setting.presence_penalty)
            row[list(counted)] -= lowered


def _penalise_repetition(logits: np.ndarray, penalty: float, seen: list[int]) -> None:
    """Divide the positive and multiply the negative logits (vocabulary) of every token so far, in float64."""
    before = logits[seen].astype(np.float64)  # (tokens so far)
    with np.errstate(over="ignore"):  # what is beyond float64 is brought within the bounds like the rest
        after = np.where(before < 0, before * penalty, before / penalty).clip(-LARGEST_LOGIT, LARGEST_LOGIT)
    logits[seen] = after.astype(np.float32)  # a token that stands twice is written twice with the same value
