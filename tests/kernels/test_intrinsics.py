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
from gpt25.kernels.intrinsics import (float32_tile_1x1, float32_tile_4x1, float32_tile_4x4, int8_tile_1x1,
    int8_tile_4x1, int8_tile_4x4, largest, largest_magnitude, weighted_sum)
from gpt25.kernels.vector_code import product_instruction, vector_lanes

@njit
def int8_tiles(w, x, count, wide, tall, single):
    int8_tile_4x4(w.ctypes.data, w.shape[1], x.ctypes.data, x.shape[1] * 2, count, wide.ctypes.data)
    int8_tile_4x1(w.ctypes.data, w.shape[1], x.ctypes.data, x.shape[1] * 2, count, tall.ctypes.data)
    int8_tile_1x1(w.ctypes.data, w.shape[1], x.ctypes.data, x.shape[1] * 2, count, single.ctypes.data)

@njit
def float32_tiles(w, x, count, wide, tall, single):
    float32_tile_4x4(w.ctypes.data, w.shape[1] * 4, x.ctypes.data, x.shape[1] * 4, count, wide.ctypes.data)
    float32_tile_4x1(w.ctypes.data, w.shape[1] * 4, x.ctypes.data, x.shape[1] * 4, count, tall.ctypes.data)
    float32_tile_1x1(w.ctypes.data, w.shape[1] * 4, x.ctypes.data, x.shape[1] * 4, count, single.ctypes.data)

@njit
def others(factors, rows, width, target, values, count):
    weighted_sum(factors.ctypes.data, rows.ctypes.data, rows.shape[1] * 4, rows.shape[0], width, target.ctypes.data)
    return largest(values.ctypes.data, count), largest_magnitude(values.ctypes.data, count)

chance, digest = np.random.default_rng(0), hashlib.sha256()
for count in (1, 7, 8, 16, 31, 32, 33, 64, 100, 768):
    padded = -(-count // 32) * 32
    w = chance.integers(-127, 128, (4, count)).astype(np.int8)
    x = np.zeros((4, padded), np.int16)
    x[:, :count] = chance.integers(-20000, 20001, (4, count))
    exact = x[:, :count].astype(np.int64) @ w.T.astype(np.int64)  # (columns, rows)
    wide, tall, single = np.zeros((4, 4), np.int32), np.zeros(4, np.int32), np.zeros(1, np.int32)
    int8_tiles(w, x, count, wide, tall, single)
    assert (wide == exact).all() and (tall == exact[0]).all() and single[0] == exact[0, 0], count
    digest.update(wide.tobytes())
    f, y = chance.standard_normal((4, count)).astype(np.float32), np.zeros((4, padded), np.float32)
    y[:, :count] = chance.standard_normal((4, count))
    exact = y[:, :count].astype(np.float64) @ f.T.astype(np.float64)
    wide, tall, single = np.zeros((4, 4), np.float32), np.zeros(4, np.float32), np.zeros(1, np.float32)
    float32_tiles(f, y, count, wide, tall, single)
    assert np.abs(wide - exact).max() < 2e-6 * count + 1e-6, count
    assert (tall == wide[0]).all() and single[0] == wide[0, 0], "the bits do not depend on the tile"
    rows = chance.standard_normal((9, count)).astype(np.float32)
    factors, target = chance.standard_normal(9).astype(np.float32), np.zeros(padded + 64, np.float32)
    high, magnitude = others(factors, rows, count, target, f[0], count)
    assert np.abs(target[:count] - factors @ rows).max() < 1e-5
    assert high == f[0].max() and magnitude == np.abs(f[0]).max()
    poisoned = f[0].copy()
    poisoned[count // 2] = np.nan
    assert np.isnan(others(factors, rows, count, target, poisoned, count)).all()
# The largest sum that an int16 limit allows, and both signs of it.
w = np.full((4, 768), 127, np.int8)
limit = min(32767, (2**31 - 1) // (127 * 768))
for sign in (1, -1):
    x = np.full((4, 768), sign * limit, np.int16)
    wide, tall, single = np.zeros((4, 4), np.int32), np.zeros(4, np.int32), np.zeros(1, np.int32)
    int8_tiles(w, x, 768, wide, tall, single)
    assert (wide == sign * limit * 127 * 768).all()
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
