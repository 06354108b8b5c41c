"""The places inside a model where an activation passes by, and hooks that stand there for a while."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from gpt25.inspection.activations.attention_stations import AttentionStations
from gpt25.inspection.activations.block_stations import BlockStations
from gpt25.inspection.activations.perceptron_stations import PerceptronStations
from gpt25.inspection.activations.visit import Visit
from gpt25.model import GPTModel
from gpt25.model.attention import Attention
from gpt25.model.block import Block
from gpt25.model.multi_layer_perceptron import MultiLayerPerceptron


@contextlib.contextmanager
def visited(model: GPTModel, names: Collection[str], visit: Visit) -> Iterator[None]:
    """Inside, whatever the model computes of these names passes through `visit`; afterwards the model is as it was.

    The model's own code runs, with torch's hooks on its modules. What it never holds by itself (the pattern of a fused
    attention, the output of one head) is computed beside it, and takes the place of the model's own only where `visit`
    returns something else.
    """
    modules = list(model.named_modules(remove_duplicate=False))
    stations = [made for name, module in modules if (made := _stations(name, module, names, visit)) is not None]
    with contextlib.ExitStack() as stack:

        def keep(handles: Sequence[RemovableHandle]) -> None:
            for handle in handles:
                stack.callback(handle.remove)

        for station in stations:
            keep(station.in_front_of_outputs())
        for name, module in modules:
            if name in names:
                keep([module.register_forward_hook(_own_output(name, visit))])
        for station in stations:
            keep(station.behind_outputs())
        yield


def _stations(
    name: str, module: nn.Module, names: Collection[str], visit: Visit
) -> AttentionStations | BlockStations | PerceptronStations | None:
    """What stands between the modules of this part of a model; None where there is nothing."""
    if isinstance(module, Block):
        return BlockStations(name, module, names, visit)
    if isinstance(module, Attention):
        return AttentionStations(name, module, names, visit)
    if isinstance(module, MultiLayerPerceptron):
        return PerceptronStations(name, module, names, visit)
    return None


def _own_output(name: str, visit: Visit) -> Callable[[nn.Module, Any, Tensor], Tensor]:
    return lambda module, inputs, output: visit(name, output)
