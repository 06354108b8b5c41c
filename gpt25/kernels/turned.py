"""Matrices turned so that their rows stand one behind the other in memory."""

import numpy as np

_COLUMNS_AT_ONCE = 16  # float32: a cache line of each row is filled before the next is begun


def turned(matrix: np.ndarray) -> np.ndarray:
    """The matrix itself where its rows lie in order, else a copy in which they do.

    Hugging Face's files hold matrices as (inputs, outputs). Copied as a whole, every number would go to another line of
    memory than the one before it, which takes twice as long.
    """
    if matrix.flags.c_contiguous:
        return matrix
    copy = np.empty(matrix.shape, matrix.dtype)
    for first in range(0, matrix.shape[1], _COLUMNS_AT_ONCE):
        columns = slice(first, first + _COLUMNS_AT_ONCE)
        copy[:, columns] = matrix[:, columns]
    return copy
