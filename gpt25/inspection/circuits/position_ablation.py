"""What a model loses without the positions: without its positional embeddings, and without one place of the text."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gpt25.inspection.activations.edit import Edit, edited
from gpt25.inspection.activations.record import record
from gpt25.inspection.circuits.ablated_losses import Start, ablated_losses, text_loss, text_losses
from gpt25.inspection.reading import Tokens, batch_of
from gpt25.model import GPTModel


@dataclass(frozen=True)
class PositionAblation:
    """Nats per token on some texts: as they are, with other positional embeddings, and with one position hidden."""

    loss: float
    """As it is."""
    mean: float
    """With the mean of the positional embeddings at every position: order is only what causality leaves."""
    zero: float
    """With none."""
    shuffled: float
    """With those of other positions, drawn at random: order misleads."""
    by_position: dict[str, NDArray[np.float64]]
    """The same four by the position of the token that is read, (time - 1) each."""
    hidden: NDArray[np.float64]
    """(time): how much more the text costs when no later position can attend to this one, in any layer."""


def position_ablation(model: GPTModel, tokens: Tokens, *, seed: int = 0) -> PositionAblation:
    """Take a model's knowledge of where a token stands away, and then each place of the texts.

    tokens: the ids of one text of 2 tokens or more, or of several that are equally long. A hidden position still sees
    itself, and what is left of a pattern is scaled to 1 again. Raises InspectionError as `ablation` does.
    """
    indices = batch_of(model, tokens)  # (batch, time)
    table = model.transformer.word_positional_embeddings.weight.detach()  # (block size, channels)
    time = indices.size(1)
    order = torch.randperm(time, generator=torch.Generator().manual_seed(seed)).to(table.device)
    edits: dict[str, Edit] = {
        "mean": table.mean(0).expand(time, -1),
        "zero": torch.zeros_like(table[:time]),
        "shuffled": table[:time][order],
    }
    by_position = {"as it is": _by_position(model, indices, {})}
    for kind, change in edits.items():
        by_position[kind] = _by_position(model, indices, {"transformer.word_positional_embeddings": change})
    first = "transformer.hidden.0.residual_before"
    start = Start(indices, 0, record(model, indices, first)[first])
    hidden = ablated_losses(model, start, "*.attention.pattern", time, _without_key) - text_loss(model, indices)
    return PositionAblation(
        loss=float(by_position["as it is"].mean()),
        mean=float(by_position["mean"].mean()),
        zero=float(by_position["zero"].mean()),
        shuffled=float(by_position["shuffled"].mean()),
        by_position=by_position,
        hidden=hidden,
    )


def _by_position(model: GPTModel, indices: Tensor, edits: dict[str, Edit]) -> NDArray[np.float64]:
    with edited(model, edits):
        return text_losses(model, indices).mean(0).cpu().numpy()  # (time - 1)


def _without_key(pattern: Tensor, position: int) -> Tensor:
    """A pattern (batch, heads, time, time) in which no later position looks at this one."""
    pattern[:, :, position + 1 :, position] = 0
    return pattern / pattern.sum(-1, keepdim=True).clamp_min(torch.finfo(pattern.dtype).tiny)
