"""One transformer block."""

from torch import Tensor, nn

from gpt25.model.attention import Attention
from gpt25.model.configuration import GPTConfiguration
from gpt25.model.key_value_cache import Cache
from gpt25.model.multi_layer_perceptron import MultiLayerPerceptron


class Block(nn.Module):
    """Attention and then the perceptron, each behind a layer norm and beside a residual connection.

    Layer norms stand before the sub-layers (GPT-2), not after them (GPT-1): Radford et al. 2019, section 2.3.
    """

    def __init__(self, configuration: GPTConfiguration) -> None:
        super().__init__()
        channels, epsilon = configuration.number_of_embedding_dimensions, configuration.layer_norm_epsilon
        self.layer_norm_1 = nn.LayerNorm(channels, eps=epsilon)
        self.attention = Attention(configuration)
        self.layer_norm_2 = nn.LayerNorm(channels, eps=epsilon)
        self.multi_layer_perceptron = MultiLayerPerceptron(configuration)

    def forward(self, stream: Tensor, cache: Cache | None = None, layer: int = 0) -> Tensor:
        """Add this block's output to the residual stream: (batch, time, channels) -> the same shape."""
        stream = stream + self.attention(self.layer_norm_1(stream), cache, layer)
        return stream + self.multi_layer_perceptron(self.layer_norm_2(stream))
