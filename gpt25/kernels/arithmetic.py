"""The exponential function and what is made of it, written so that a loop over many becomes vector code.

Plain multiplications and additions in one order: a number gives the same bits wherever it stands in a vector.
"""

import numpy as np
from numba import njit

from gpt25.kernels.compiled import compiled
from gpt25.kernels.intrinsics import at_least, at_most, times_power_of_two

_LOG2_E = np.float32(1.44269504)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)  # their sum is ln 2; the first is short
_TO_WHOLE = np.float32(12582912.0)  # 1.5 * 2^23: adding it rounds to whole numbers, and its low bits then hold them
_SMALLEST, _LARGEST = np.float32(-87.0), np.float32(88.0)  # beyond these float32 has no normal exponential
_ONE, _HALF = np.float32(1.0), np.float32(0.5)
# Taylor's coefficients 1 / n! from n = 7 down: within 0.35 of 0 the next term is below 1e-8.
_7, _6, _5, _4, _3 = (np.float32(1 / factorial) for factorial in (5040, 720, 120, 24, 6))
# GELU's tanh form is x * sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)).
_GELU_SLOPE, _GELU_CUBIC = np.float32(-1.5957691216), np.float32(0.044715)


@njit(inline="always")
def exponential(x):
    """e^x of a float32 between -87 and 88, to 1.5e-7 of its value; NaN may become any number."""
    shifted = x * _LOG2_E + _TO_WHOLE
    whole = shifted - _TO_WHOLE
    rest = (x - whole * _LN2_HIGH) - whole * _LN2_LOW
    series = _7 * rest + _6
    series = series * rest + _5
    series = series * rest + _4
    series = series * rest + _3
    series = series * rest + _HALF
    series = series * rest + _ONE
    series = series * rest + _ONE
    return times_power_of_two(series, shifted)


@compiled
def exponentials_below(values, count, largest):
    """Replace the first `count` values (float32) by e^(value - largest), which is at most 1."""
    for index in range(count):
        values[index] = exponential(at_least(values[index] - largest, _SMALLEST))


@compiled
def apply_gelu(values):
    """Replace values (float32) by GELU in its tanh form; NaN stays NaN."""
    for index in range(values.size):
        x = values[index]
        exponent = _GELU_SLOPE * (x + _GELU_CUBIC * x * x * x)
        values[index] = x / (_ONE + exponential(at_most(at_least(exponent, _SMALLEST), _LARGEST)))
