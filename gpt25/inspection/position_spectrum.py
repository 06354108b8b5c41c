"""The sinusoids in the positional embeddings."""

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-20  # of a sum of squares: more than what centring a constant column leaves behind in float64


def position_spectrum(embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
    """How a column's variance is distributed over frequencies: (positions, channels) -> (positions // 2 + 1, channels).

    Row f is the fraction at f periods over all positions; row 0, the mean, is left out and 0. Every column adds up to
    1, and a constant one is all 0. A sinusoid of f periods has all its variance in row f; white noise has about 2 /
    positions in every row.

    The periodogram (Schuster 1898): squared Fourier coefficients, counted twice where a negative frequency mirrors
    them.
    """
    positions = len(embeddings)
    centred = embeddings.astype(np.float64)
    centred = centred - centred.mean(axis=0)
    power = np.abs(np.fft.rfft(centred, axis=0)) ** 2  # (positions // 2 + 1, channels)
    power[1 : (positions + 1) // 2] *= 2  # the frequency of every other position has no mirror image
    power[0] = 0
    total = power.sum(axis=0)
    varies = total > _ROUNDING * positions * np.square(embeddings, dtype=np.float64).sum(axis=0)
    return np.divide(power, total, out=np.zeros_like(power), where=varies).astype(np.float32)
