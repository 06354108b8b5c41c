"""Layer norm of one row, and the dot product that it is made of."""

import numpy as np

from gpt25.kernels.compiled import compiled
from gpt25.kernels.tiles import float32_tile_1x1


@compiled
def dot(left, right, count, sums):
    """The sum of left[i] * right[i], both addresses of float32, `right` padded with zeros."""
    float32_tile_1x1(left, 0, right, count, sums.ctypes.data)
    return sums[0]


@compiled
def normalise(values, weights, biases, epsilon, ones, target, sums):
    """Layer norm of one row: values (channels) -> target (padded channels), whose padding stays zero."""
    channels = values.size
    mean = dot(values.ctypes.data, ones.ctypes.data, channels, sums) / np.float32(channels)
    for index in range(channels):
        target[index] = values[index] - mean
    place = target.ctypes.data
    variance = dot(place, place, channels, sums) / np.float32(channels)
    factor = np.float32(1) / np.sqrt(variance + epsilon)
    for index in range(channels):
        target[index] = target[index] * factor * weights[index] + biases[index]
