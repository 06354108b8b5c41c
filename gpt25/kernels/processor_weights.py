"""The weights of a GPTModel as the kernels read them."""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from gpt25.kernels.memory import Weights
from gpt25.model import GPTModel, Int8Linear
from gpt25.model.block import Block

_LARGEST_INT16 = 32767
_LARGEST_INT32 = (1 << 31) - 1
_NO_SCALES = np.zeros(0, np.float32)


class _Matrix(NamedTuple):
    """One linear layer."""

    weight: np.ndarray  # (outputs, inputs) int8 or float32
    scales: np.ndarray  # (outputs) float32, or empty
    bias: np.ndarray  # (outputs) float32
    limit: float


def kernel_weights(model: GPTModel) -> tuple[Weights, list[np.ndarray]]:
    """Tables that point into the model's own matrices, and those matrices, which must live as long as the tables.

    Biases, layer norms and positions are copied, and so are matrices whose rows do not stand one behind the other in
    memory; a model that goes on training needs new tables.
    """
    blocks = [block for block in model.transformer.hidden if isinstance(block, Block)]
    layers = [[_matrix(linear) for linear in _linears(block)] for block in blocks]
    norms = [norm for block in blocks for norm in (block.layer_norm_1, block.layer_norm_2)]
    norms.append(model.transformer.final_layer_norm)
    head = _matrix(model.language_modeling_head)
    weights = Weights(
        matrices=np.array([[each.weight.ctypes.data for each in layer] for layer in layers], np.int64),
        head=np.array([head.weight.ctypes.data], np.int64),
        embeddings=head.weight,
        embedding_scales=head.scales,
        positions=_float32(model.transformer.word_positional_embeddings.weight),
        norm_weights=np.stack([_float32(norm.weight) for norm in norms]),
        norm_biases=np.stack([_float32(norm.bias) for norm in norms]),
        scales=np.stack([np.concatenate([each.scales for each in layer]) for layer in layers]),
        biases=np.stack([np.concatenate([each.bias for each in layer]) for layer in layers]),
        no_bias=head.bias,
        limits=np.array([[each.limit for each in layer] for layer in layers], np.float32),
        head_limit=np.array([head.limit], np.float32),
        epsilon=np.array([model.configuration.layer_norm_epsilon], np.float32),
    )
    return weights, [head.weight, *(each.weight for layer in layers for each in layer)]


def _linears(block: Block) -> list[nn.Module]:
    attention, perceptron = block.attention, block.multi_layer_perceptron
    return [attention.query_key_value, attention.projection, perceptron.expansion, perceptron.projection]


def _matrix(linear: nn.Module) -> _Matrix:
    if isinstance(linear, Int8Linear):
        weight = linear.quantised.numpy()
        scales = _float32(linear.scales)
        return _Matrix(weight, scales, _bias(linear.bias, len(weight)), _limit(linear.quantised))
    assert isinstance(linear, nn.Linear)
    weight = linear.weight.detach().contiguous().numpy()  # a loaded model's matrices are its file's, turned in place
    return _Matrix(weight, _NO_SCALES, _bias(linear.bias, len(weight)), 1.0)


def _limit(quantised: torch.Tensor) -> float:
    """The largest int16 activation with which no sum of products leaves 32 bits: by the heaviest row (inputs)."""
    heaviest = max(int(rows.abs().sum(1, dtype=torch.int64).max()) for rows in quantised.split(4096))
    return float(min(_LARGEST_INT16, _LARGEST_INT32 // max(1, heaviest)))


def _bias(bias: torch.Tensor | None, outputs: int) -> np.ndarray:
    return np.zeros(outputs, np.float32) if bias is None else _float32(bias)


def _float32(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().float().contiguous().numpy()
