"""Weights in eight bits: a quarter of the memory that every generated token has to read in float32."""

import torch
from torch import Tensor, nn

from gpt25.errors import ConfigurationError
from gpt25.model.gelu_linear import GELULinear, gelu
from gpt25.model.gpt import GPTModel
from gpt25.model.model_arrays import Int8Matrix

_ACTIVATIONS = torch.bfloat16  # of torch's int8 product, which on the processor is three to six times slower on float32
_ROWS_AT_ONCE = 4096  # of the token embeddings in float32 at 768 channels: 12 MB


class Int8Linear(nn.Module):
    """A linear layer with int8 weights from -127 to 127 and one scale for each output."""

    quantised: Tensor
    scales: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None, *, behind_gelu: bool) -> None:
        """weight: (outputs, inputs); bias: (outputs). behind_gelu: whether what comes in goes through GELU first."""
        super().__init__()
        self._behind_gelu = behind_gelu
        quantised, scales = _quantised(weight)
        self.register_buffer("quantised", quantised)  # (outputs, inputs) int8
        self.register_buffer("scales", scales)  # (outputs)
        self.bias = None if bias is None else nn.Parameter(bias.detach(), requires_grad=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Multiply: (..., inputs) -> (..., outputs)."""
        if self._behind_gelu:
            inputs = gelu(inputs)
        flat = inputs.reshape(-1, inputs.size(-1)).to(_ACTIVATIONS)  # (rows, inputs)
        outputs = torch._weight_int8pack_mm(flat, self.quantised, self.scales).to(inputs.dtype)  # (rows, outputs)
        if self.bias is not None:
            outputs = outputs + self.bias
        return outputs.unflatten(0, inputs.shape[:-1])  # (..., outputs)


class Int8Embedding(nn.Module):
    """The rows of the head's own quantised weights, so that the two stay one tensor."""

    def __init__(self, head: Int8Linear, dtype: torch.dtype) -> None:
        """dtype: of what is looked up."""
        super().__init__()
        self.head = head
        self._dtype = dtype

    def forward(self, indices: Tensor) -> Tensor:
        """Look up: (batch, time) -> (batch, time, channels)."""
        return self.head.quantised[indices].to(self._dtype) * self.head.scales[indices].unsqueeze(-1).to(self._dtype)


def quantise_int8(model: GPTModel) -> GPTModel:
    """Turn a model's matrices into int8, in place: for generating on a processor only.

    Every output of a matrix, and every token, has its own scale, the largest of its magnitudes / 127. Positions, biases
    and layer norms stay as they are. Torch's product rounds activations to bfloat16; the kernels of `gpt25.kernels` do
    not. A model that is loaded in bfloat16 for this purpose takes less memory on the way, and that rounding is small
    beside int8's. Returns the model, which can then neither be trained nor saved. Raises ConfigurationError where the
    model is not on the processor.

    Source: Dettmers et al. 2022, "LLM.int8()", section 2.1, with scales for rows of the weights only.
    """
    device = model.device
    if device.type != "cpu":
        raise ConfigurationError(
            f"int8 weights are for the processor, and the model is on {device}; choose bfloat16 there, or device cpu."
        )
    for block in model.transformer.hidden:
        for part in (block.attention, block.multi_layer_perceptron):
            for name, layer in list(part.named_children()):  # type: ignore[union-attr]
                if isinstance(layer, nn.Linear):
                    behind_gelu = isinstance(layer, GELULinear)
                    setattr(part, name, Int8Linear(layer.weight, layer.bias, behind_gelu=behind_gelu))
    head = Int8Linear(model.language_modeling_head.weight, None, behind_gelu=False)
    model.language_modeling_head = head  # type: ignore[assignment]
    model.transformer.word_token_embeddings = Int8Embedding(head, model.dtype)  # type: ignore[assignment]
    return model.requires_grad_(False)


@torch.no_grad()
def _quantised(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Quantised weights (outputs, inputs) int8 and scales (outputs): weight is about quantised * scales."""
    quantised = torch.empty(weight.shape, dtype=torch.int8)  # (outputs, inputs)
    scales = torch.empty(len(weight), dtype=_ACTIVATIONS)  # (outputs)
    for first in range(0, len(weight), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        piece = Int8Matrix.of(weight[rows].float().numpy())
        quantised[rows], scales[rows] = torch.from_numpy(piece.quantised), torch.from_numpy(piece.scales)
    return quantised, scales
