"""What the compiled forward pass keeps for the backward pass, counted in torch's own graph, is what the plan counts."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch._dynamo
from functorch.compile import min_cut_rematerialization_partition
from torch._dynamo.backends.common import aot_autograd
from torch._inductor.decomposition import select_decomp_table

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.recipes import load_recipe
from gpt25.recipes.planning.memory_plan import memory_parts
from gpt25.runtime import PrecisionName, choose_precision
from gpt25.training import LossModule, SpeedConfiguration

ROWS, TIME, CHANNELS = 2, 512, 128  # heads of 64 channels, as all GPT-2s have them
# torch's own compiler looks at what torch warns of.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The bytes that each compiled forward pass hands on, storages counted once; nothing else of Inductor runs."""
    counted: list[int] = []

    def count(graph: torch.fx.GraphModule, inputs: Any) -> Any:
        (output,) = (node for node in graph.graph.nodes if node.op == "output")
        made = [node.meta["val"] for node in output.args[0] if isinstance(node, torch.fx.Node)]
        taken = {id(node.meta["val"]) for node in graph.graph.nodes if node.op == "placeholder"}
        storages = {
            value.untyped_storage()._cdata: value.untyped_storage().nbytes()
            for value in made
            if isinstance(value, torch.Tensor) and id(value) not in taken
        }
        counted.append(sum(storages.values()))
        return graph.forward

    backend = aot_autograd(
        fw_compiler=count,
        bw_compiler=lambda graph, inputs: graph.forward,
        partition_fn=min_cut_rematerialization_partition,
        decompositions=select_decomp_table(),
    )
    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda function, **_: real(function, backend=backend, dynamic=False))
    torch._dynamo.reset()
    yield counted
    torch._dynamo.reset()


def shape(layers: int) -> GPTConfiguration:
    return GPTConfiguration(
        block_size=TIME,
        vocabulary_size=64,
        number_of_layers=layers,
        number_of_heads=CHANNELS // 64,
        number_of_embedding_dimensions=CHANNELS,
    )


def counted_by_the_plan(layers: int, speed: SpeedConfiguration, precision: PrecisionName) -> int:
    recipe = dataclasses.replace(load_recipe("gpt2_124m_adamw"), model=shape(layers), speed=speed)
    kept = ("activations", "weights in bfloat16")
    parts = memory_parts(recipe, ROWS, precision=precision)
    return sum(part.number_of_bytes for part in parts if part.name in kept)


@pytest.mark.parametrize(("precision", "short"), [("bfloat16", False), ("bfloat16", True), ("float32", False)])
def test_a_layer_keeps_what_the_plan_counts(precision: PrecisionName, short: bool, kept: list[int]) -> None:
    speed = SpeedConfiguration(short_residual_stream=short)
    ids = torch.zeros(ROWS, TIME, dtype=torch.int64)
    for layers in (1, 3):
        LossModule(
            GPTModel(shape(layers)),
            precision=choose_precision(torch.device("cpu"), precision),
            compile=True,
            speed=speed,
        )(ids, ids)
    one, three = kept
    planned = counted_by_the_plan(3, speed, precision) - counted_by_the_plan(1, speed, precision)
    # Of each layer norm one value a token besides.
    assert three - one == pytest.approx(planned, rel=0.002)


def test_a_micro_batch_of_the_124m_keeps_what_was_counted_for_a_gpu() -> None:
    """37.2 bytes a token, channel and layer of 16 x 1,024 tokens, 33.2 with the short stream: weights' copies too."""
    recipe = load_recipe("gpt2_124m")
    for short, expected in ((False, 37.2), (True, 33.2)):
        speed = dataclasses.replace(recipe.speed, short_residual_stream=short)
        sizes = {part.name: part.number_of_bytes for part in memory_parts(dataclasses.replace(recipe, speed=speed), 16)}
        found = sizes["activations"] + sizes["weights in bfloat16"]
        assert found / (16 * 1024 * 768 * 12) == pytest.approx(expected, abs=0.05)
