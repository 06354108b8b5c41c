"""Which positions a model takes for alike."""

import numpy as np
from numpy.typing import NDArray


def position_similarity(embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
    """The cosine of every position with every other: (positions, channels) -> (positions, positions), from -1 to 1.

    A row of zeros has no direction; its cosines are 0, the one with itself too.

        position_similarity(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]]))[0] -> [1, 1, 0]
    """
    rows = embeddings.astype(np.float64)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)  # (positions, 1)
    directions = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)  # (positions, channels)
    return np.clip(directions @ directions.T, -1, 1).astype(np.float32)  # (positions, positions)
