"""A pseudo-random order of any number of things that needs no memory for it."""

import numpy as np
from numpy.typing import NDArray

from gpt25.runtime import derive_seed

_ROUNDS = 8
_MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)  # the mixing constants of splitmix64, Steele, Lea and Flood, OOPSLA 2014
_INCREMENT = np.uint64(0x9E3779B97F4A7C15)


class Permutation:
    """Maps 0…size-1 onto itself, one to one, in an order that a seed and a path decide.

    A balanced Feistel network permutes a power of four that is at least `size`; values beyond `size` walk on along
    their cycle until they fall below it, less than four steps on average (Black and Rogaway, "Ciphers with Arbitrary
    Finite Domains", CT-RSA 2002, section 3).
    """

    def __init__(self, size: int, *, seed: int, path: tuple[str | int, ...] = ()) -> None:
        self.size = size
        self._half_bits = np.uint64(max(1, ((size - 1).bit_length() + 1) // 2))
        self._mask = np.uint64((1 << int(self._half_bits)) - 1)
        self._keys = [np.uint64(derive_seed(seed, *path, "permutation", number)) for number in range(_ROUNDS)]

    def __call__(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """(count,) indices below `size` -> (count,) values below `size`, different for different indices."""
        values = self._network(indices.astype(np.uint64))  # (count,)
        outside = np.flatnonzero(values >= self.size)
        while len(outside):
            values[outside] = self._network(values[outside])
            outside = outside[values[outside] >= self.size]
        return values.astype(np.int64)  # (count,)

    def _network(self, values: NDArray[np.uint64]) -> NDArray[np.uint64]:
        left, right = values >> self._half_bits, values & self._mask
        for key in self._keys:
            mixed = (right + key) * _MULTIPLIER
            mixed = (mixed ^ (mixed >> np.uint64(29))) * _INCREMENT
            left, right = right, left ^ ((mixed >> np.uint64(32)) & self._mask)
        return (left << self._half_bits) | right
