"""Direct logit attribution: which part of a model wrote the answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gpt25.errors import InspectionError
from gpt25.inspection.activations.record import record
from gpt25.inspection.activations.visit import weight_of
from gpt25.model import GPTModel
from gpt25.model.block import Block

_ENDS = ("transformer.word_token_embeddings", "transformer.word_positional_embeddings", "language_modeling_head")
_PARTS = ("*.residual_after", "*.mixed", "*.multi_layer_perceptron")


@dataclass(frozen=True)
class LogitAttribution:
    """The parts of one logit, or of the difference of two; together they are it."""

    position: int
    """Behind which token of the text."""
    token_id: int
    against: int | None
    """The token whose logit is subtracted, if any."""
    logit: float
    """What the model itself computes."""
    token_embedding: float
    positional_embedding: float
    heads: NDArray[np.float64]
    """(layers, heads)."""
    attention_biases: NDArray[np.float64]
    """(layers): the bias behind all heads of a layer, which is none's."""
    multi_layer_perceptrons: NDArray[np.float64]
    """(layers)."""
    final_bias: float
    """The bias of the final layer norm: the same for every text."""

    @property
    def total(self) -> float:
        """All parts together: the logit, to rounding."""
        alone = self.token_embedding + self.positional_embedding + self.final_bias
        return alone + float(self.heads.sum() + self.attention_biases.sum() + self.multi_layer_perceptrons.sum())


def logit_attribution(
    model: GPTModel,
    token_ids: Sequence[int],
    *,
    token_id: int | None = None,
    against: int | None = None,
    position: int = -1,
) -> LogitAttribution:
    """Split the logit of a token behind a position into what every part of the model wrote into the residual stream.

    token_id: which logit; without it the likeliest token's. against: subtract the logit of this token. position:
    counted from 0, or from the end. The final layer norm divides by one number for each position; with that number held
    as it is, the logit is a sum over the parts.

    Raises InspectionError for tokens and positions that do not exist. Source: Elhage et al. 2021, "A Mathematical
    Framework for Transformer Circuits", section "Zero-Layer Transformers" and following; the layer norm held: Wang et
    al. 2022, appendix on direct logit attribution.
    """
    time = len(token_ids)
    if not -time <= position < time:
        raise InspectionError(f"position is {position}; this text has the positions 0 to {time - 1}.")
    found = record(model, token_ids, [*_ENDS, *_PARTS])
    return _attributed(model, found, position % time, token_id, against)


def logit_attributions(model: GPTModel, token_ids: Sequence[int]) -> list[LogitAttribution]:
    """The same for the likeliest token behind every position of a text, from one pass."""
    found = record(model, token_ids, [*_ENDS, *_PARTS])
    return [_attributed(model, found, place, None, None) for place in range(len(token_ids))]


def _attributed(
    model: GPTModel, found: Mapping[str, Tensor], place: int, token_id: int | None, against: int | None
) -> LogitAttribution:
    logits = found["language_modeling_head"][0, place].double()  # (vocabulary)
    chosen = int(logits.argmax()) if token_id is None else token_id
    for each in (chosen, *([] if against is None else [against])):
        if not 0 <= each < len(logits):
            raise InspectionError(f"token id {each} is not one of this model's, 0 to {len(logits) - 1:,}.")
    last = f"transformer.hidden.{model.configuration.number_of_layers - 1}.residual_after"
    direction, final_bias = _direction(model, found[last][0, place], chosen, against)

    def part(written: Tensor) -> float:
        return float(written.double() @ direction)

    heads, biases, perceptrons = [], [], []
    for layer, block in enumerate(model.transformer.hidden):
        assert isinstance(block, Block)
        name = f"transformer.hidden.{layer}"
        mixed = found[f"{name}.attention.mixed"][0, :, place].double()  # (heads, head size)
        projection = block.attention.projection
        weight = weight_of("logit_attribution", projection).detach().double()  # (channels, channels)
        read = (direction @ weight).unflatten(0, mixed.shape)  # (heads, head size)
        heads.append((mixed * read).sum(1).cpu().numpy())
        biases.append(part(projection.bias.detach()))
        perceptrons.append(part(found[f"{name}.multi_layer_perceptron"][0, place]))
    return LogitAttribution(
        position=place,
        token_id=chosen,
        against=against,
        logit=float(logits[chosen] - (0.0 if against is None else logits[against])),
        token_embedding=part(found["transformer.word_token_embeddings"][0, place]),
        positional_embedding=part(found["transformer.word_positional_embeddings"][place]),
        heads=np.stack(heads),
        attention_biases=np.array(biases),
        multi_layer_perceptrons=np.array(perceptrons),
        final_bias=final_bias,
    )


def _direction(model: GPTModel, stream: Tensor, token_id: int, against: int | None) -> tuple[Tensor, float]:
    """Onto what a writing is projected to get its part of the logit, (channels), and the part of the last bias."""
    norm = model.transformer.final_layer_norm
    rows = weight_of("logit_attribution", model.language_modeling_head).detach()  # (vocabulary, channels)
    row = rows[token_id].double() - (0.0 if against is None else rows[against].double())  # (channels)
    scaled = row * norm.weight.detach().double()  # (channels)
    variance = stream.double().var(correction=0)
    direction = (scaled - scaled.mean()) / torch.sqrt(variance + norm.eps)  # without the mean, which the norm takes off
    return direction, float(row @ norm.bias.detach().double())
