"""Drawing the next token of many rows, each by itself: what `gpt25.generation.token_weights` says, without its sorts.

A filter keeps the tokens from some score on. The score is found by counting: scores are at most 0, so their magnitudes'
bits are whole numbers in the order of the scores, and the bits' upper half is a bin.
"""

from typing import NamedTuple

import numpy as np

from gpt25.kernels.arithmetic import exponential
from gpt25.kernels.compiled import compiled, compiled_and_kept
from gpt25.kernels.intrinsics import at_least, largest, magnitude_bits, magnitude_of_bits

NOT_DRAWN = -1
BINS = 1 << 15
_LOWER = (1 << 16) - 1
_SMALLEST = np.float32(-87.0)
_NONE = np.float32(-np.inf)


class Draws(NamedTuple):
    """What is to be drawn, a row each, and where it goes."""

    logits: np.ndarray  # (rows, vocabulary) float32, penalties applied
    temperatures: np.ndarray  # (rows) float32; 0 takes the likeliest
    top_k: np.ndarray  # (rows) int64; 0 keeps all
    top_p: np.ndarray  # (rows) float64; 1 keeps all
    min_p: np.ndarray  # (rows) float32; 0 keeps all
    uniforms: np.ndarray  # (rows) float64, from 0 up to but not including 1
    ids: np.ndarray  # (rows) int64: the result, NOT_DRAWN where the largest logit is no finite number


class DrawingRoom(NamedTuple):
    """Memory for one row at a time of every worker."""

    scores: np.ndarray  # (workers, vocabulary) float32
    weights: np.ndarray  # (workers, vocabulary) float32
    keys: np.ndarray  # (workers, vocabulary) int32
    counts: np.ndarray  # (workers, 2 * BINS) int64
    sums: np.ndarray  # (workers, BINS) float64


@compiled
def _weight(score):
    """e^score of a float32 that is at most 0; 0 where that is below what float32 holds with all its digits."""
    return np.float32(0) if score < _SMALLEST else exponential(at_least(score, _SMALLEST))


@compiled
def _key_of_rank(scores, rank, counts):
    """The magnitude's bits of the score (vocabulary) that `rank` - 1 others are at least as large as."""
    counts[:BINS] = 0
    for index in range(scores.size):
        counts[magnitude_bits(scores[index]) >> 16] += 1
    chosen, before = 0, 0
    while before + counts[chosen] < rank:
        before += counts[chosen]
        chosen += 1
    counts[:] = 0
    for index in range(scores.size):
        bits = magnitude_bits(scores[index])
        if bits >> 16 == chosen:
            counts[bits & _LOWER] += 1
    lower = 0
    while before + counts[lower] < rank:
        before += counts[lower]
        lower += 1
    return (chosen << 16) | lower


@compiled
def _key_of_share(scores, weights, wanted, sums, keys):
    """The magnitude's bits of the score with which the weights (vocabulary), largest first, reach the sum `wanted`."""
    sums[:] = 0.0
    for index in range(scores.size):
        sums[magnitude_bits(scores[index]) >> 16] += weights[index]
    chosen, before = 0, 0.0
    while chosen < BINS - 1 and before + sums[chosen] < wanted:
        before += sums[chosen]
        chosen += 1
    count = 0
    for index in range(scores.size):
        bits = magnitude_bits(scores[index])
        if bits >> 16 == chosen:
            keys[count] = bits
            count += 1
    if count == 0:  # rounding kept even the last from it
        return np.int64((1 << 31) - 1)
    keys[:count].sort()
    for place in range(count):
        before += _weight(-magnitude_of_bits(keys[place]))
        if before >= wanted:
            return np.int64(keys[place])
    return np.int64(keys[count - 1])


@compiled
def _drop_beyond(scores, key):
    """Make -infinity of the scores (vocabulary) whose magnitude's bits are above the key."""
    for index in range(scores.size):
        if magnitude_bits(scores[index]) > key:
            scores[index] = _NONE


@compiled
def _weigh(scores, weights):
    """The weights of scores (vocabulary)."""
    for index in range(scores.size):
        weights[index] = _weight(scores[index])


@compiled
def _draw_row(draws, row, room, worker):
    """The id of one row, or NOT_DRAWN."""
    logits = draws.logits[row]
    high = largest(logits.ctypes.data, logits.size)
    if not np.isfinite(high):
        return NOT_DRAWN
    if draws.temperatures[row] == 0:
        index = 0
        while logits[index] != high:
            index += 1
        return index
    scores, weights = room.scores[worker][: logits.size], room.weights[worker][: logits.size]
    for index in range(logits.size):
        scores[index] = logits[index] - high
    _filter(draws, row, scores, weights, room, worker)
    return _inverse(weights, draws.uniforms[row])


@compiled
def _filter(draws, row, scores, weights, room, worker):
    """The weights (vocabulary) by the scores, which are changed: top_k, temperature, top_p, min_p, in this order."""
    if 0 < draws.top_k[row] < scores.size:
        _drop_beyond(scores, _key_of_rank(scores, draws.top_k[row], room.counts[worker]))
    for index in range(scores.size):
        scores[index] = scores[index] / draws.temperatures[row]
    _weigh(scores, weights)
    if draws.top_p[row] < 1:
        wanted = draws.top_p[row] * _sum(weights)
        key = _key_of_share(scores, weights, wanted, room.sums[worker], room.keys[worker])
        _drop_beyond(scores, key)
        _weigh(scores, weights)
    if draws.min_p[row] > 0:
        for index in range(scores.size):
            if weights[index] < draws.min_p[row]:
                weights[index] = 0


@compiled
def _sum(weights):
    """The sum of weights (vocabulary) in their order, in float64."""
    total = 0.0
    for index in range(weights.size):
        total += weights[index]
    return total


@compiled
def _inverse(weights, uniform):
    """The index (vocabulary) at which the sum of the weights so far passes the uniform's share of all."""
    total = _sum(weights)
    target = min(uniform * total, np.nextafter(total, 0.0))  # below the total, so that a token with weight is found
    reached = 0.0
    for index in range(weights.size):
        reached += weights[index]
        if reached > target:
            return index
    return weights.size - 1


@compiled_and_kept
def draw_rows(draws, room, worker, workers):
    """A worker's share of the rows."""
    for row in range(worker, draws.ids.size, workers):
        draws.ids[row] = _draw_row(draws, row, room, worker)
