"""What a run asks of compilation: every shape compiled, and a block one graph under DistributedDataParallel."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch._dynamo
from torch.nn.parallel import DistributedDataParallel

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.recipes import load_recipe, recipe_names
from gpt25.runtime import Precision, Ranks, allow_compiled_shapes
from gpt25.training import LossModule, TrainingConfiguration
from gpt25.training.loss import prepared_loss_module as module

SHAPE = GPTConfiguration(
    block_size=32, vocabulary_size=64, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=16
)
FLOAT32 = Precision("float32", torch.float32, "")
CPU = torch.device("cpu")
# torch's own compiler looks at what torch warns of.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[torch.fx.GraphModule]]:
    """What torch.compile hands over to be compiled, run as it is; torch's settings are as before afterwards."""
    handed: list[torch.fx.GraphModule] = []

    def keep(graph: torch.fx.GraphModule, inputs: Any) -> Any:
        handed.append(graph)
        return graph.forward

    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda function, *, mode=None, dynamic=None: real(
        function, backend=keep, dynamic=dynamic
    ))  # fmt: skip
    torch._dynamo.reset()
    with torch._dynamo.config.patch(
        recompile_limit=8, accumulated_recompile_limit=256, fail_on_recompile_limit_hit=False, optimize_ddp=True
    ):
        yield handed
    torch._dynamo.reset()


def step(loss_module: torch.nn.Module, rows: int, time: int) -> None:
    tokens = torch.randint(SHAPE.vocabulary_size, (rows, time + 1))
    loss_module(tokens[:, :-1], tokens[:, 1:]).backward()


def compiled(configuration: TrainingConfiguration, shape: GPTConfiguration = SHAPE, **choices: Any) -> LossModule:
    loop = dataclasses.replace(configuration.loop, compile=True, device="cpu")
    return module.prepared_loss_module(
        dataclasses.replace(configuration, loop=loop),
        GPTModel(shape),
        ranks=choices.get("ranks", Ranks()),
        device=CPU,
        precision=FLOAT32,
    )


@pytest.mark.parametrize("name", recipe_names())
def test_every_shape_of_a_packaged_recipe_is_compiled(name: str, graphs: list[torch.fx.GraphModule]) -> None:
    configuration = load_recipe(name)
    loss_module = compiled(configuration)
    lengths = [SHAPE.block_size // (2**number) for number in range(1 + len(configuration.batch.short_sequences))]
    shapes = [(rows, length) for rows, _ in enumerate(configuration.update_sizes.all_rows, 1) for length in lengths]
    for number, shape in enumerate(shapes, 1):
        step(loss_module, *shape)
        assert len(graphs) == number, f"{shape} runs uncompiled"


def test_beyond_the_limit_nothing_runs_uncompiled_in_silence(graphs: list[torch.fx.GraphModule]) -> None:
    loss_module = LossModule(GPTModel(SHAPE), precision=FLOAT32, compile=True)
    for rows in range(1, 10):
        step(loss_module, rows, 4)
    assert len(graphs) == 8, "torch has another limit: the ninth shape used to run uncompiled without a word"
    torch._dynamo.reset()
    graphs.clear()
    allow_compiled_shapes(3)
    loss_module = LossModule(GPTModel(SHAPE), precision=FLOAT32, compile=True)
    for rows in range(1, 13):
        step(loss_module, rows, 4)
    assert len(graphs) == 12
    with pytest.raises(torch._dynamo.exc.FailOnRecompileLimitHit):
        step(loss_module, 13, 4)


def test_a_block_is_one_graph_under_data_parallelism(
    graphs: list[torch.fx.GraphModule],
) -> None:
    wide = dataclasses.replace(SHAPE, number_of_embedding_dimensions=192)
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        for is_prepared, expected in ((False, 2), (True, 1)):
            torch._dynamo.reset()
            graphs.clear()
            if is_prepared:
                loss_module = compiled(load_recipe("gpt2_124m"), wide, ranks=Ranks(rank=0, number_of_ranks=2))
            else:
                loss_module = LossModule(GPTModel(wide), precision=FLOAT32, compile=True, region="blocks")
            # Buckets smaller than a block (1.8 MB), as DDP's 25 MB are to a block of the 124M.
            step(DistributedDataParallel(loss_module, bucket_cap_mb=1, gradient_as_bucket_view=True), 2, 8)
            assert len(graphs) == expected
    finally:
        torch.distributed.destroy_process_group()
