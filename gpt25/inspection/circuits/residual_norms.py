"""How long the residual stream's vectors are, layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gpt25.inspection.activations.record import record
from gpt25.model import GPTModel


@dataclass(frozen=True)
class ResidualNorms:
    """Euclidean norms at every position of a text."""

    stream: NDArray[np.float64]
    """(layers + 1, time): of the residual stream before each layer; the last row is behind all."""
    attention: NDArray[np.float64]
    """(layers, time): of what the attention of a layer adds."""
    multi_layer_perceptron: NDArray[np.float64]
    """(layers, time): likewise of the perceptron."""


def residual_norms(model: GPTModel, token_ids: Sequence[int]) -> ResidualNorms:
    """Measure the residual stream, and what each half of a layer adds to it, on one text."""
    found = record(
        model, token_ids, ["*.residual_before", "*.residual_after", "*.attention", "*.multi_layer_perceptron"]
    )
    blocks = [f"transformer.hidden.{layer}" for layer in range(model.configuration.number_of_layers)]
    streams = [*(f"{block}.residual_before" for block in blocks), f"{blocks[-1]}.residual_after"]

    def norms(names: list[str]) -> NDArray[np.float64]:
        stacked: Tensor = torch.stack([found[name][0].double().norm(dim=-1) for name in names])  # (names, time)
        return stacked.cpu().numpy()

    return ResidualNorms(
        stream=norms(streams),
        attention=norms([f"{block}.attention" for block in blocks]),
        multi_layer_perceptron=norms([f"{block}.multi_layer_perceptron" for block in blocks]),
    )
