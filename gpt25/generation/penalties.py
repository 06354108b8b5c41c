"""Biases of tokens, and penalties on those that a row has already used."""

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from gpt25.generation.history import History
from gpt25.generation.sampling_settings import LARGEST_LOGIT, SamplingSettings
from gpt25.runtime import kept_on_device, to_device


def apply_penalties(logits: Tensor, settings: Sequence[SamplingSettings], histories: Sequence[History]) -> None:
    """Change the logits (rows, vocabulary) float32 in place: biases, then repetition, then frequency and presence.

    Only rows whose settings have any of these cost anything, and only in proportion to their biases and history.
    Sources: Keskar et al. 2019, "CTRL", section 4.1; OpenAI API reference, "Frequency and presence penalties":
    logit[j] - count[j] * frequency_penalty - (count[j] > 0) * presence_penalty, counting generated tokens.
    """
    for row, (setting, history) in enumerate(zip(settings, histories, strict=True)):
        if setting.logit_bias:
            _add_bias(logits[row], setting.logit_bias)
        if setting.repetition_penalty != 1:
            _penalise_repetition(logits[row], setting.repetition_penalty, history)
        if (setting.frequency_penalty or setting.presence_penalty) and history.generated:
            _penalise_generated(logits[row], setting, history.generated)


def _add_bias(logits: Tensor, bias: Sequence[tuple[int, float]]) -> None:
    """Add to the logits (vocabulary) of single tokens what they are given, in float32."""
    ids = kept_on_device([token_id for token_id, _ in bias], logits.device, dtype=torch.int64)  # (biased tokens)
    values = kept_on_device([value for _, value in bias], logits.device, dtype=logits.dtype)  # (biased tokens)
    logits[ids] += values  # no id stands there twice


def _penalise_repetition(logits: Tensor, penalty: float, history: History) -> None:
    """Divide the positive and multiply the negative logits (vocabulary) of every token so far."""
    seen = to_device([*history.prompt, *history.generated], logits.device)  # (tokens so far)
    before = logits[
        seen
    ].double()  # (tokens so far); in float64 even the smallest allowed penalty divides without 0 / 0
    after = torch.where(before < 0, before * penalty, before / penalty).clamp(-LARGEST_LOGIT, LARGEST_LOGIT)
    logits[seen] = after.to(logits.dtype)  # a token that stands twice is written twice with the same value


def _penalise_generated(logits: Tensor, setting: SamplingSettings, generated: Sequence[int]) -> None:
    """Lower the logits (vocabulary) of tokens in the new text by how often and by whether they stand there."""
    counted = Counter(generated)  # on the host, where the ids are: counted on a GPU, they would have to be waited for
    ids = to_device(list(counted), logits.device)  # (different tokens)
    counts = to_device(list(counted.values()), logits.device)  # (different tokens)
    logits[ids] -= (counts * setting.frequency_penalty + setting.presence_penalty).to(logits.dtype)
