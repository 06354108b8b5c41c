"""Sharded weights, gradients and optimizer state: each rank keeps a shard of each; a layer is full while it runs.

Source: Rajbhandari et al. 2020, "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models", section 5;
torch's `fully_shard`. Gathering is collective: where one rank gathers a full tensor, all ranks must.
"""

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from gpt25.model import GPTModel
from gpt25.runtime import Ranks


def shard_parameters(module: nn.Module, model: GPTModel, *, ranks: Ranks, device: torch.device) -> None:
    """Shard every parameter of `model`, which `module` runs; before optimizers are made.

    Block by block, so that all ranks hold a block or two in full at a time; embeddings and head stay full through a
    micro-batch. Only `module` may run the model then: others take `full_model`.
    """
    mesh = init_device_mesh(device.type, (ranks.number_of_ranks,))
    for block in model.transformer.hidden:
        fully_shard(block, mesh=mesh)
    fully_shard(module, mesh=mesh)


def is_sharded(model: GPTModel) -> bool:
    """Whether the model's parameters are sharded."""
    return isinstance(model.transformer.word_token_embeddings.weight, DTensor)


def full(tensor: Tensor) -> Tensor:
    """The full tensor of a sharded one, on all ranks; any other as it is."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def local_shard(tensor: Tensor) -> Tensor:
    """This rank's shard of a sharded tensor, in the same memory; any other tensor as it is."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def copy_full(tensor: Tensor, values: Tensor) -> None:
    """Copy full values into a tensor, of which this rank may have a shard only; no rank communicates."""
    if isinstance(tensor, DTensor):
        values = distribute_tensor(values, tensor.device_mesh, tensor.placements, src_data_rank=None)
    tensor.copy_(values)


def full_model(model: GPTModel) -> GPTModel:
    """An ordinary model of the same weights, in the same mode; the model itself where it is not sharded."""
    if not is_sharded(model):
        return model
    weights = {name: full(parameter.detach()) for name, parameter in model.named_parameters()}
    with torch.device("meta"):
        ordinary = GPTModel(model.configuration)
    ordinary.load_state_dict(weights, strict=False, assign=True)  # the head is no parameter of its own
    ordinary.tie_head()
    return ordinary.train(model.training)


def full_tensors(tensors: dict[str, Tensor], *, keep: bool) -> dict[str, Tensor]:
    """Sharded tensors as full ones in main memory, one after the other; without `keep` only to help others."""
    gathered = {}
    for name, tensor in tensors.items():
        value = full(tensor)
        if keep:
            gathered[name] = value.cpu() if isinstance(tensor, DTensor) else value
    return gathered
