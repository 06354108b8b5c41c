"""A model's computation from the middle on."""

from itertools import islice

from torch import Tensor

from gpt25.model import GPTModel


def continued(model: GPTModel, layer: int, stream: Tensor) -> Tensor:
    """What the head reads when the stream before a layer is this one: (batch, time, channels) -> the same shape.

    Of what only changes from that layer on, the layers below need not be computed again; layer may be the number of
    layers, behind the last one. Edits inside `edited` hold here too. The values are the whole computation's.
    """
    for block in islice(model.transformer.hidden, layer, None):
        stream = block(stream)
    return model.transformer.final_layer_norm(stream)
