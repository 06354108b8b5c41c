"""The logit lens: what the model would predict next if it stopped after a layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpt25.errors import InspectionError
from gpt25.inspection.reading import batch_of_one, embedded
from gpt25.model import GPTModel, evaluating


@dataclass(frozen=True)
class LayerPredictions:
    """The likeliest next tokens after the embeddings (row 0) and after each block (row l is what block l - 1 leaves).

    Both arrays are (layers + 1, time, choices), likeliest first. The last row is what the model itself predicts.
    """

    token_ids: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    """Of these tokens among all of the vocabulary."""


def layer_predictions(model: GPTModel, token_ids: Sequence[int], *, choices: int = 5) -> LayerPredictions:
    """Read the residual stream after every layer as the head reads it after the last one.

    choices: how many of the likeliest tokens to keep. Raises InspectionError for ids that the model cannot read, and
    for choices below 1 or above the size of the vocabulary.

    Source: nostalgebraist 2020, "interpreting GPT: the logit lens"; with the final layer norm, as there.
    """
    most = model.configuration.vocabulary_size
    if not 1 <= choices <= most:
        raise InspectionError(f"choices is {choices}; it must be from 1 to the {most:,} tokens of the vocabulary.")
    indices = batch_of_one(model, token_ids)
    ids, probabilities = [], []
    with evaluating(model):
        stream = embedded(model, indices)  # (1, time, channels)
        for block in [None, *model.transformer.hidden]:
            stream = stream if block is None else block(stream)
            logits = model.language_modeling_head(model.transformer.final_layer_norm(stream))  # (1, time, vocabulary)
            likeliest = logits[0].float().softmax(-1).topk(choices)  # (time, choices)
            ids.append(likeliest.indices.cpu().numpy())
            probabilities.append(likeliest.values.cpu().numpy())
    return LayerPredictions(np.stack(ids), np.stack(probabilities))  # each (layers + 1, time, choices)
