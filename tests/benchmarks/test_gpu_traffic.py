"""What counts a GPU's traffic on a processor, started as a user starts it, on a small model."""

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

TORCH = tuple(int(part) for part in torch.__version__.split(".")[:2])
pytestmark = [
    pytest.mark.skipif(TORCH < (2, 13), reason="what stands in for parts of Inductor is written for torch 2.13's"),
    pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="no triton: Inductor writes no kernels"),
    pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="no C++ compiler"),
]
SMALL = {"number-of-layers": 2, "number-of-heads": 2, "number-of-embedding-dimensions": 128, "block-size": 64}
OF_A_MICRO_BATCH = ["blocks forward", "blocks backward", "head and loss", "gradients added up", "rest of a micro-batch"]
ROWS, VOCABULARY, PADDED, CHANNELS = 4, 50_257, 50_304, 128


def test_a_table_has_every_part_of_a_micro_batch_and_of_an_update(scripts: Any, tmp_path: Path) -> None:
    shape = [word for name, value in SMALL.items() for word in (f"--model.{name}", str(value))]
    target = tmp_path / "found.json"
    said = scripts.run("gpu_traffic", "--rows", str(ROWS), *shape, "--json", str(target), "--kernels", "head and loss")
    found = json.loads(target.read_text(encoding="utf-8"))
    assert said.startswith("gpt2_124m: 4 x 64 tokens, torch ")
    for name in (*OF_A_MICRO_BATCH, "norm, clipping, skipping", "optimizers"):
        assert found[name]["launches"] > 0
        assert f"| {name} | {found[name]['launches']} |" in said
    together = sum(found[name]["launches"] for name in OF_A_MICRO_BATCH)
    assert f"| **a micro-batch** | {together} |" in said
    assert "MB  triton_" in said
    assert "extern_kernels" not in said  # what another part launches
    # Hidden states and head to logits; gradients by both, the latter accumulated from bfloat16.
    head, rows = PADDED * CHANNELS, ROWS * SMALL["block-size"]
    assert found["head and loss"]["products"] == 2 * 3 * (head + rows * CHANNELS + rows * PADDED)
