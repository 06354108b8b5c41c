"""Weights, gradients and averages in shares: each rank keeps a part of every one, and a layer is whole while it runs.

Source: Rajbhandari et al. 2020, "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models", section 5;
torch's `fully_shard`. Gathering is a conversation: whoever asks for something whole, all ranks must ask.
"""

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from gpt25.model import GPTModel
from gpt25.runtime import Ranks


def shard_parameters(module: nn.Module, model: GPTModel, *, ranks: Ranks, device: torch.device) -> None:
    """From now on every parameter of `model`, which `module` runs, is in shares; before optimizers are made.

    Block by block, so that all ranks hold a block or two whole at a time; embeddings and head stay whole through a
    micro-batch. Only `module` may run the model then: others take `whole_model`.
    """
    mesh = init_device_mesh(device.type, (ranks.number_of_ranks,))
    for block in model.transformer.hidden:
        fully_shard(block, mesh=mesh)
    fully_shard(module, mesh=mesh)


def is_sharded(model: GPTModel) -> bool:
    """Whether the model's parameters are in shares."""
    return isinstance(model.transformer.word_token_embeddings.weight, DTensor)


def whole(tensor: Tensor) -> Tensor:
    """A tensor in shares as a whole one, on all ranks; any other as it is."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def share(tensor: Tensor) -> Tensor:
    """This rank's part of a tensor in shares, in the same memory; any other tensor as it is."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def put(tensor: Tensor, values: Tensor) -> None:
    """Copy whole values into a tensor, of which this rank may have a share only; no rank asks another."""
    if isinstance(tensor, DTensor):
        values = distribute_tensor(values, tensor.device_mesh, tensor.placements, src_data_rank=None)
    tensor.copy_(values)


def whole_model(model: GPTModel) -> GPTModel:
    """An ordinary model of the same weights, in the same mode; the model itself where it is not in shares."""
    if not is_sharded(model):
        return model
    weights = {name: whole(parameter.detach()) for name, parameter in model.named_parameters()}
    with torch.device("meta"):
        ordinary = GPTModel(model.configuration)
    ordinary.load_state_dict(weights, strict=False, assign=True)  # the head is no parameter of its own
    ordinary.tie_head()
    return ordinary.train(model.training)


def whole_tensors(tensors: dict[str, Tensor], *, keep: bool) -> dict[str, Tensor]:
    """Tensors in shares as whole ones in main memory, one after the other; without `keep` only to help others."""
    gathered = {}
    for name, tensor in tensors.items():
        value = whole(tensor)
        if keep:
            gathered[name] = value.cpu() if isinstance(tensor, DTensor) else value
    return gathered
