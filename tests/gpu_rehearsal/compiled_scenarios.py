"""Scenes of what Inductor makes of us for a GPU: `python compiled_scenarios.py STAND_IN SCENE …`, a JSON line each."""

import contextlib
import dataclasses
import functools
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pretended_gpu

if __name__ == "__main__":
    pretended_gpu.load(Path(sys.argv[1]))

import torch
from machine_code import machine_code
from pretended_compiler import Program, pretended_compiler
from torch._subclasses.fake_tensor import FakeTensorMode
from traffic import PRODUCTS, Meter, launches_of

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.model.attention import Attention
from gpt25.recipes import load_recipe
from gpt25.recipes.planning.memory_plan import memory_parts
from gpt25.runtime import Precision
from gpt25.training import LossModule, SpeedConfiguration
from gpt25.training.loss import gpu_loss as gpu_loss_module

ROWS, BLOCK, CHANNELS = 8, 512, 256
BFLOAT16 = Precision("bfloat16", torch.bfloat16, "")


@contextlib.contextmanager
def compiling(**options: Any) -> Iterator[list[Program]]:
    """A pretended GPU and its compiler."""
    with (
        pretended_gpu.pretended_gpus(),
        FakeTensorMode(allow_non_fake_inputs=True),
        pretended_compiler(**options) as found,
    ):
        yield found


def shape(layers: int) -> GPTConfiguration:
    """Heads of 64 channels, as every GPT-2 has them."""
    return GPTConfiguration(
        block_size=BLOCK,
        vocabulary_size=1_000,
        number_of_layers=layers,
        number_of_heads=CHANNELS // 64,
        number_of_embedding_dimensions=CHANNELS,
    )


def loss_traffic(slice_loss: Callable[..., Any]) -> dict[str, Any]:
    """How often the loss kernel goes through its logits, and what it launches."""
    with compiling() as programs:
        empty = lambda *sizes, dtype: torch.empty(*sizes, dtype=dtype, device="cuda")  # noqa: E731
        logits = empty(8_192, 50_304, dtype=torch.bfloat16)
        targets, keep = empty(8_192, 1, dtype=torch.int64), empty(8_192, 1, dtype=torch.bool)
        compiled = torch.compile(slice_loss, dynamic=False)
        compiled(logits, targets, keep, empty(1, dtype=torch.float32)[0], vocabulary_size=50_257)
    launches = launches_of(programs[-1])
    passes = sum(number_of_bytes for _, number_of_bytes in launches) / (8_192 * 50_304 * 2)
    return {"launches": len(launches), "passes": passes}  # one of them writes the gradient


def torch_log_sum_exp() -> dict[str, Any]:
    """A control: torch's own logsumexp is read once more, and that must be found."""
    whole = lambda real: torch.logsumexp(real, 1, keepdim=True)  # noqa: E731
    with mock.patch.object(gpu_loss_module, "_log_sum_exp", whole):
        return loss_traffic(gpu_loss_module._slice_loss_and_gradient)


def _kept(program: Program) -> int:
    """Bytes that a forward pass hands over to its backward pass, weights' copies among them, but no weights."""
    nodes = list(program.graph.graph.nodes)
    (output,) = (node for node in nodes if node.op == "output")
    arguments = (node for node in nodes if node.op == "placeholder")
    given = {_storage(node) for node in arguments if node.meta["val"].dtype is not torch.bfloat16}
    kept = {_storage(node): node.meta["val"].untyped_storage().nbytes() for node in output.args[0][1:]}
    return sum(number_of_bytes for storage, number_of_bytes in kept.items() if storage not in given)


def _storage(node: Any) -> int:
    return int(node.meta["val"].untyped_storage()._cdata)


def loss_of(layers: int, *, backward: bool = False, **options: Any) -> list[Program]:
    """What is compiled for a loss, and for its gradients too; the loss itself stays uncompiled."""
    uncompiled = mock.patch.object(gpu_loss_module, "_compiled", lambda function: function)
    with compiling() as programs, uncompiled:
        with torch.device("cuda"), mock.patch.object(GPTModel, "initialise"):
            model = GPTModel(shape(layers))
        tokens = torch.zeros(ROWS, BLOCK, dtype=torch.int64, device="cuda")
        module = LossModule(model, precision=BFLOAT16, compile=True, **options)
        with module.weights_cast_once():
            loss = module(tokens, tokens.clone(), 1)
            if backward:
                loss.backward()
    return programs


@functools.cache
def usual(layers: int) -> list[Program]:
    """There and back as one GPU has it."""
    return loss_of(layers, backward=True)


def kept(programs_of: Callable[[int], list[Program]], speed: SpeedConfiguration | None = None) -> dict[str, Any]:
    """What a layer keeps for the backward pass, and what the plan counts for it: a third layer's bytes."""
    speed = speed or SpeedConfiguration()
    two, three = (_kept(programs_of(layers)[0]) for layers in (2, 3))
    return {"kept": three - two, "planned": planned(3, speed) - planned(2, speed)}


def kept_with_short_stream() -> dict[str, Any]:
    """The same with a stream in bfloat16."""
    speed = SpeedConfiguration(short_residual_stream=True)
    return kept(partial(loss_of, speed=speed), speed)


def graphs(programs: list[Program]) -> dict[str, Any]:
    """How many programs three layers are, there and back, and what each launches."""
    return {"programs": len(programs), "launches": [len(launches_of(program)) for program in programs]}


def broken_graphs() -> dict[str, Any]:
    """A control: a block that cannot be one graph must be found to be several."""
    split = Attention.split

    def breaking(self: Attention, fused: torch.Tensor) -> tuple[torch.Tensor, ...]:
        torch._dynamo.graph_break()
        return split(self, fused)

    with mock.patch.object(Attention, "split", breaking):
        return graphs(loss_of(3, backward=True, region="blocks"))


def layer() -> dict[str, Any]:
    """Launches and bytes between products of a layer, there and back: of a third layer."""
    found = []
    for layers in (2, 3):
        launches = [each for program in usual(layers) for each in launches_of(program)]
        between = sum(size for name, size in launches if not any(word in name for word in PRODUCTS))
        found.append((len(launches), between))
    (two, two_bytes), (three, three_bytes) = found
    return {"launches": three - two, "bytes": (three_bytes - two_bytes) / (ROWS * BLOCK * CHANNELS)}


def planned(layers: int, speed: SpeedConfiguration) -> int:
    """Bytes that the plan counts as kept by so many layers."""
    configuration = dataclasses.replace(load_recipe("gpt2_124m_adamw"), model=shape(layers), speed=speed)
    parts = {part.name: part.number_of_bytes for part in memory_parts(configuration, ROWS)}
    return parts["activations"] + parts["weights in bfloat16"]


def keeping_too_much() -> dict[str, Any]:
    """A control: queries that are scaled before the attention have to be kept twice, and that must be found."""
    split = Attention.split

    def scaled(self: Attention, fused: torch.Tensor) -> tuple[torch.Tensor, ...]:
        query, key, value = split(self, fused)
        return query * 0.5, key, value

    with mock.patch.object(Attention, "split", scaled):
        return kept(loss_of)


def counting() -> dict[str, Any]:
    """The counter itself, on operations whose bytes are known: compiled and eager."""
    meter, embedding = Meter(lambda name: "counted"), torch.nn.functional.embedding
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    with pretended_gpu.pretended_gpus(), fake, meter, pretended_compiler(meter.running):
        left, right = (torch.empty(1_024, 1_024, device="cuda") for _ in range(2))
        compiled = torch.compile(lambda a, b: (a * 2 + b) @ b, dynamic=False)
        steps: dict[str, Callable[[], Any]] = {
            "compiled": lambda: compiled(left, right),
            "in place": lambda: left.add_(right),
            "overwritten": lambda: left.copy_(right),
            "of zeros": lambda: torch.zeros_like(left),
            "product": lambda: torch.mm(left, right, out=torch.empty_like(left)),
            "view": lambda: left.view(-1)[:5].unsqueeze(0),
            "gathered": lambda: embedding(torch.zeros(8, dtype=torch.int64, device="cuda"), left),
            "list": lambda: torch._foreach_add_([left] * 3 + [left[0]] * 200, 1.0),
            "list of two dtypes": lambda: torch._foreach_add_([left] * 3, [right.bfloat16()] * 3),
            "list cast": lambda: torch._foreach_copy_([right.bfloat16()] * 3, [left] * 3),
        }
        found = {}
        for name, step in steps.items():
            meter.clear()
            step()
            part = meter.parts["counted"]
            found[name] = [part.launches, part.between, part.products]
    return found


def compiled_to_the_end() -> dict[str, Any]:
    """Machine code of all kernels of two layers, there and back; what is no kernel must not get through."""
    with tempfile.TemporaryDirectory() as folder:
        found = [machine_code(program, Path(folder)) for program in usual(2)]
        broken = dataclasses.replace(usual(2)[0], text=usual(2)[0].text.replace("tl.store(", "tl.no_such_thing("))
        try:
            machine_code(broken, Path(folder))
        except Exception as problem:
            return {"bytes": found, "broken": type(problem).__name__}
        return {"bytes": found}


SCENES: dict[str, Callable[[], dict[str, Any]]] = {
    "counting": counting,
    "loss": lambda: loss_traffic(gpu_loss_module._slice_loss_and_gradient),
    "loss with torch's logsumexp": torch_log_sum_exp,
    "kept": partial(kept, usual),
    "kept, short stream": kept_with_short_stream,
    "kept, planted": keeping_too_much,
    "whole": lambda: graphs(usual(3)),
    "block by block": lambda: graphs(loss_of(3, backward=True, region="blocks")),
    "broken": broken_graphs,
    "layer": layer,
    "machine code": compiled_to_the_end,
}


if __name__ == "__main__":
    for scene in sys.argv[2:] or SCENES:
        sys.stdout.write(json.dumps({"scene": scene, **SCENES[scene]()}) + "\n")
        sys.stdout.flush()
