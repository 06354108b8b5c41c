"""What Inductor makes of our training pass for a GPU, on a machine without one: graphs, launches, and bytes.

Every check has a control beside it, a planted fault of its kind that must be found.
"""

import importlib.util
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

TORCH = tuple(int(part) for part in torch.__version__.split(".")[:2])
pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("triton") is None, reason="no triton: Inductor cannot write a GPU's kernels"
    ),
    pytest.mark.skipif(TORCH < (2, 13), reason="what stands in for parts of Inductor is written for torch 2.13's"),
]
MEGABYTES = 1024 * 1024 * 4  # of a square of 1,024 float32 values


@pytest.fixture(scope="session")
def found_in(findings_of: Callable[..., dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    """What a scene found."""
    return partial(findings_of, script="compiled_scenarios.py")


FoundIn = Callable[[str], dict[str, Any]]


def test_bytes_and_launches_are_those_of_operations_that_one_can_count_by_hand(found_in: FoundIn) -> None:
    found = found_in("counting")
    assert found["compiled"] == [2, 3 * MEGABYTES, 3 * MEGABYTES]  # (a * 2 + b) in one kernel, then a product
    assert found["in place"] == [1, 3 * MEGABYTES, 0]
    assert found["overwritten"] == [1, 2 * MEGABYTES, 0]
    assert found["of zeros"] == [1, MEGABYTES, 0]
    assert found["product"] == [1, 0, 3 * MEGABYTES]
    assert found["view"] == [0, 0, 0]
    assert found["gathered"] == [1 + 1, 8 * 8 + 2 * 8 * 4096 + 64, 0]  # ids made, eight rows read and written
    assert found["list"] == [2, 2 * (3 * MEGABYTES + 200 * 4096), 0]  # 203 tensors, of which a launch takes 110
    cast = 1.5 * MEGABYTES  # of one to bfloat16
    assert found["list of two dtypes"] == [1 + 3, cast + 3 * 2.5 * MEGABYTES, 0]
    assert found["list cast"] == [1 + 1, cast + 3 * 1.5 * MEGABYTES, 0]


def test_the_loss_reads_its_logits_twice_and_writes_their_gradient(found_in: FoundIn) -> None:
    assert found_in("loss")["passes"] == pytest.approx(3, abs=0.01)
    assert found_in("loss")["launches"] == 3


def test_a_third_reading_of_the_logits_is_found(found_in: FoundIn) -> None:
    assert found_in("loss with torch's logsumexp")["passes"] == pytest.approx(4, abs=0.01)


@pytest.mark.parametrize("scene", ["kept", "kept, short stream"])
def test_a_gpu_keeps_for_the_backward_pass_what_the_plan_counts(found_in: FoundIn, scene: str) -> None:
    found = found_in(scene)
    assert found["kept"] == pytest.approx(found["planned"], rel=0.003)  # of each layer norm one value a token besides


def test_what_is_kept_twice_is_found(found_in: FoundIn) -> None:
    found = found_in("kept, planted")
    assert found["kept"] > 1.03 * found["planned"]


def test_the_blocks_are_one_graph_and_so_is_each_of_them(found_in: FoundIn) -> None:
    assert found_in("whole")["programs"] == 2  # there and back
    assert found_in("block by block")["programs"] == 2, "blocks do not share what is compiled"


def test_a_broken_graph_is_found(found_in: FoundIn) -> None:
    assert found_in("broken")["programs"] > 2


def test_a_layer_launches_and_moves_no_more_than_is_written_down(found_in: FoundIn) -> None:
    found = found_in("layer")
    assert found["launches"] <= 35
    assert found["bytes"] <= 145  # a token and channel, here with weights as large as 384 tokens' activations


def test_every_kernel_compiles_to_an_h100s_machine_code(found_in: FoundIn) -> None:
    found = found_in("machine code")
    there, back = found["bytes"]
    assert min(len(there), len(back)) > 6
    assert min(*there.values(), *back.values()) > 1000
    assert found["broken"] == "CompilationError"
