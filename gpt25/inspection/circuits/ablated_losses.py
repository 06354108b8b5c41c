"""The loss on texts, whole and with one thing taken away at a time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gpt25.errors import InspectionError
from gpt25.inspection.activations.continued import continued
from gpt25.inspection.activations.edit import edited
from gpt25.model import GPTModel

_TOKENS_AT_ONCE = 1024  # of all copies of one pass together: the logits of GPT-2's vocabulary are 0.2 GB then


@dataclass(frozen=True)
class Start:
    """Texts, and the layer from which on they are read anew."""

    indices: Tensor
    """(batch, time)."""
    layer: int
    stream: Tensor
    """(batch, time, channels): the residual stream of the whole model before that layer."""


def text_losses(model: GPTModel, indices: Tensor) -> Tensor:
    """Nats for every token behind the first: (batch, time) -> (batch, time - 1), in float64.

    Raises InspectionError for texts of one token, which have nothing to predict.
    """
    if indices.size(1) < 2:
        raise InspectionError("the text has one token, and a loss needs one that follows; give a longer text.")
    return losses_of(model, model.hidden_states(indices), indices)


def losses_of(model: GPTModel, states: Tensor, indices: Tensor) -> Tensor:
    """The same from what the head reads, (batch, time, channels)."""
    logits = model.language_modeling_head(states[:, :-1])  # (batch, time - 1, vocabulary)
    losses = functional.cross_entropy(logits.flatten(0, 1).float(), indices[:, 1:].flatten(), reduction="none")
    return losses.double().view(len(indices), -1)  # (batch, time - 1)


def text_loss(model: GPTModel, indices: Tensor) -> float:
    """The mean of `text_losses`."""
    with edited(model, {}):
        return float(text_losses(model, indices).mean())


def ablated_losses(
    model: GPTModel,
    start: Start,
    name: str,
    count: int,
    without: Callable[[Tensor, int], Tensor],
    *,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.float64]:
    """The loss on texts with each of `count` things taken away, in the layer of `start` or behind it, (count).

    without(activation, number) gives the activation called `name`, of the batch, without thing `number`. Several are
    taken away side by side, in copies of the batch.
    """
    losses: list[float] = []
    batch = len(start.indices)
    copies = max(1, _TOKENS_AT_ONCE // start.indices.numel())
    for first in range(0, count, copies):
        numbers = range(first, min(count, first + copies))

        def taken_away(activation: Tensor, numbers: range = numbers) -> Tensor:
            pieces = activation.split(batch)
            return torch.cat([without(piece, number) for piece, number in zip(pieces, numbers, strict=True)])

        with edited(model, {name: taken_away}):
            states = continued(
                model, start.layer, start.stream.repeat(len(numbers), 1, 1)
            )  # (copies * batch, time, channels)
            of_all = losses_of(model, states, start.indices.repeat(len(numbers), 1))  # (copies * batch, time - 1)
        losses += of_all.view(len(numbers), -1).mean(1).tolist()
        if progress is not None:
            progress(len(numbers))
    return np.array(losses)
