"""How much of the positional embeddings is noise: the mark of how far a model is trained."""

import numpy as np
from numpy.typing import NDArray

from gpt25.errors import InspectionError

_FEWEST_POSITIONS = 3
_ROUNDING = 1e-12  # of the mean square of a column; a smaller variance is a constant plus rounding


def roughness(embeddings: NDArray[np.floating]) -> NDArray[np.float64]:
    """The fraction of each column's variance that is noise between positions: (positions, channels) -> (channels).

    1 is expected of white noise, which is what a column is before training; a wave of period P has
    (2 - 2 cos(2 pi / P))² / 6, which is 0.00004 for P = 50; a column that alternates comes to 8/3. The scale of
    a column does not matter. A constant column has no variance: NaN.

    Derivation: let a column be a smooth curve plus noise of variance s², independent between positions. The curve all
    but vanishes from the second differences x[p-1] - 2 x[p] + x[p+1], and the noise has there the variance
    (1 + 4 + 1) s². So the mean square of the second differences over 6 estimates s², and that over the variance of the
    column is the fraction. The estimator is Gasser, Sroka and Jennen-Steinmetz 1986, "Residual variance and residual
    pattern in nonlinear regression", Biometrika 73, for equal distances.

    Raises InspectionError for fewer than 3 positions, which have no second difference.
    """
    noise, variance = _noise_and_variance(embeddings)
    return np.divide(noise, variance, out=np.full_like(noise, np.nan), where=variance > 0)


def overall_roughness(embeddings: NDArray[np.floating]) -> float:
    """One figure for a model: the fraction of the variance of all columns together that is noise, NaN if none varies.

    Columns count by their variance, so that the many that a trained model hardly uses do not hide the curves that it
    has learned. Raises InspectionError like `roughness`.
    """
    noise, variance = _noise_and_variance(embeddings)
    total = float(variance.sum())
    return float(noise[variance > 0].sum()) / total if total > 0 else float("nan")


def _noise_and_variance(embeddings: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Estimated variance of the noise and variance of the column, each (channels); constant columns have variance 0."""
    if len(embeddings) < _FEWEST_POSITIONS:
        raise InspectionError(
            f"these embeddings have {len(embeddings)} positions; how rough their curves are can only be said of "
            f"{_FEWEST_POSITIONS} or more."
        )
    columns = embeddings.astype(np.float64)
    noise = np.square(np.diff(columns, n=2, axis=0)).mean(axis=0) / 6  # (channels)
    variance = columns.var(axis=0, ddof=1)
    return noise, np.where(variance > _ROUNDING * np.square(columns).mean(axis=0), variance, 0.0)
