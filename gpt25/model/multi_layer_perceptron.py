"""The position-wise feed-forward layer."""

from torch import Tensor, nn

from gpt25.model.configuration import GPTConfiguration
from gpt25.model.gelu_linear import GELULinear
from gpt25.model.layers import Linear


class MultiLayerPerceptron(nn.Module):
    """Expand fourfold, apply GELU in its tanh approximation, project back.

    OpenAI's weights were trained with the tanh form; the exact form gives slightly different logits.
    Source: Hendrycks and Gimpel 2016, "Gaussian Error Linear Units", section 2.
    """

    def __init__(self, configuration: GPTConfiguration) -> None:
        super().__init__()
        channels = configuration.number_of_embedding_dimensions
        hidden = configuration.number_of_hidden_dimensions
        self.expansion = Linear(channels, hidden)
        self.projection = GELULinear(hidden, channels)
        self.residual_dropout = nn.Dropout(configuration.residual_dropout)

    def forward(self, inputs: Tensor) -> Tensor:
        """Transform every position by itself: (batch, time, channels) -> (batch, time, channels)."""
        hidden = self.expansion(inputs)  # (batch, time, 4 * channels)
        outputs = self.projection(hidden)  # (batch, time, channels)
        return self.residual_dropout(outputs)
