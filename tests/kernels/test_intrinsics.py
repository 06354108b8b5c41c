"""The loops that are written for each processor, on the instructions of older ones too, against exact sums."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import hashlib
import numpy as np
from numba import njit
from gpt25.kernels.intrinsics import largest, largest_magnitude, weighted_sum
from gpt25.kernels.linear import multiply
from gpt25.kernels.vector_code import product_instruction, vector_lanes

@njit
def product(w, x, rows, scales, input_scales, bias, target, way):
    multiply(w.ctypes.data, x, rows, w.shape[1], 0, w.shape[0], scales, input_scales, bias, target, way)

@njit
def others(factors, rows, width, target, values, count):
    weighted_sum(factors.ctypes.data, rows.ctypes.data, rows.shape[1] * 4, rows.shape[0], width, target.ctypes.data)
    return largest(values.ctypes.data, count), largest_magnitude(values.ctypes.data, count)

chance, digest = np.random.default_rng(0), hashlib.sha256()
outputs = 9  # two tiles and a row
scales, bias = np.ones(outputs, np.float32), np.zeros(outputs, np.float32)
for count in (1, 7, 8, 16, 31, 32, 33, 64, 100, 768):
    padded = -(-count // 32) * 32
    w = chance.integers(-127, 128, (outputs, count)).astype(np.int8)
    x = np.zeros((7, padded), np.int16)
    x[:, :count] = chance.integers(-20000, 20001, (7, count))
    exact = x[:, :count].astype(np.int64) @ w.T.astype(np.int64)  # (rows, outputs)
    target = np.full((7, outputs), np.nan, np.float32)
    product(w, x, 7, scales, np.ones(7, np.float32), bias, target, 0)
    assert (target == exact.astype(np.float32)).all(), count
    digest.update(target.tobytes())
    product(w, x, 7, scales, np.full(7, 2, np.float32), scales, target, 1)
    assert (target == exact.astype(np.float32) + (exact.astype(np.float32) * 2 + 1)).all(), count
    f, y = chance.standard_normal((outputs, count)).astype(np.float32), np.zeros((7, padded), np.float32)
    y[:, :count] = chance.standard_normal((7, count))
    exact = y[:, :count].astype(np.float64) @ f.T.astype(np.float64)
    target = np.full((7, outputs), np.nan, np.float32)
    product(f, y, 7, scales, scales, bias, target, 0)
    assert np.abs(target - exact).max() < 2e-6 * count + 1e-6, count
    alone = np.full((1, outputs), np.nan, np.float32)
    for row in range(7):
        product(f, y[row : row + 1], 1, scales, scales, bias, alone, 0)
        assert (alone[0] == target[row]).all(), "the bits do not depend on the tile"
    rows = chance.standard_normal((9, count)).astype(np.float32)
    factors, target = chance.standard_normal(9).astype(np.float32), np.zeros(padded + 64, np.float32)
    high, magnitude = others(factors, rows, count, target, f[0], count)
    assert np.abs(target[:count] - factors @ rows).max() < 1e-5
    assert high == f[0].max() and magnitude == np.abs(f[0]).max()
    poisoned = f[0].copy()
    poisoned[count // 2] = np.nan
    assert np.isnan(others(factors, rows, count, target, poisoned, count)).all()
# The largest sums that an int16 limit allows, and both signs of them: a power of two, so that float32 holds it.
w = np.full((4, 512), 64, np.int8)
for sign in (1, -1):
    x, target = np.full((4, 512), sign * 32767, np.int16), np.zeros((4, 4), np.float32)
    product(w, x, 4, scales[:4], scales[:4], bias[:4], target, 0)
    assert (target == sign * 32767 * 64 * 512).all()
print(vector_lanes(), product_instruction(), digest.hexdigest())
"""

PROCESSORS = {
    "this": {},
    "avx2": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma,+avx,+sse4.2"},
    "plain": {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": "+sse2"},
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    script = tmp_path_factory.mktemp("kernels") / "tiles.py"
    script.write_text(SCRIPT)
    root = str(Path(__file__).parents[2])
    outcomes = {}
    for name, variables in PROCESSORS.items():
        environment = {**os.environ, **variables, "PYTHONPATH": root}
        done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{name}: {done.stderr[-3000:]}"
        outcomes[name] = done.stdout.split()
    return outcomes


def test_sums_are_exact_with_every_instruction(outcomes: dict[str, list[str]]) -> None:
    assert outcomes["avx2"][:2] == ["8", "vpmaddwd"]
    assert outcomes["plain"][:2] == ["4", "multiplications"]
    digests = {digest for _, _, digest in outcomes.values()}
    assert len(digests) == 1, "whole numbers have one sum"
