"""What a model has learned about where a token stands."""

import numpy as np
from numpy.typing import NDArray

from gpt25.model import GPTModel


def positional_embeddings(model: GPTModel) -> NDArray[np.float32]:
    """A copy of the positional embeddings, (positions, channels): row p is what is added to a token at position p."""
    weight = model.transformer.word_positional_embeddings.weight
    return np.array(weight.detach().float().cpu().numpy())  # (positions, channels)
