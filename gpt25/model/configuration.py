"""The shape of a GPT-2."""

import dataclasses
import math

from gpt25.errors import ConfigurationError

# Bounds that a file's config.json must not exceed: far above every published GPT-2, far below what exhausts a machine
# while only the names of the tensors are listed.
_LARGEST = {
    "block_size": 1 << 20,
    "vocabulary_size": 1 << 24,
    "number_of_layers": 1024,
    "number_of_heads": 1024,
    "number_of_embedding_dimensions": 1 << 17,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class GPTConfiguration:
    """Shape, dropout and normalisation of a GPT-2; the defaults are OpenAI's 124M.

    Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3 and Table 2.
    """

    block_size: int = 1024
    """Longest context in tokens; the number of rows of the positional embedding."""
    vocabulary_size: int = 50257
    """Number of different token ids; the number of rows of the token embedding."""
    number_of_layers: int = 12
    """Transformer blocks."""
    number_of_heads: int = 12
    """Attention heads in each block; divides the number of embedding dimensions."""
    number_of_embedding_dimensions: int = 768
    """Channels: the width of the residual stream."""
    embedding_dropout: float = 0.0
    """Probability that a channel of the summed embeddings is dropped while training."""
    attention_dropout: float = 0.0
    """Probability that an attention weight is dropped while training."""
    residual_dropout: float = 0.0
    """Probability that a channel of a sub-layer's output is dropped while training."""
    layer_norm_epsilon: float = 1e-5
    """Added to the variance in every layer norm."""

    def __post_init__(self) -> None:
        """Raise ConfigurationError (a ValueError) naming the field, its value and its range."""
        for name, largest in _LARGEST.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= largest:
                raise ConfigurationError(f"{name} is {value!r}; it must be a whole number from 1 to {largest:,}.")
        for name in ("embedding_dropout", "attention_dropout", "residual_dropout"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
                raise ConfigurationError(
                    f"{name} is {value!r}; it must be a probability from 0 up to but not including 1."
                )
        epsilon = self.layer_norm_epsilon
        if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not (0 < epsilon < math.inf):
            raise ConfigurationError(
                f"layer_norm_epsilon is {epsilon!r}; it must be a small positive number such as 1e-5."
            )
        if self.number_of_embedding_dimensions % self.number_of_heads:
            raise ConfigurationError(
                f"number_of_heads {self.number_of_heads} does not divide number_of_embedding_dimensions "
                f"{self.number_of_embedding_dimensions}; every head needs the same whole number of channels."
            )

    @property
    def head_size(self) -> int:
        """Channels of one attention head."""
        return self.number_of_embedding_dimensions // self.number_of_heads

    @property
    def number_of_hidden_dimensions(self) -> int:
        """Width of the multi-layer perceptron: always four times the channels in GPT-2."""
        return 4 * self.number_of_embedding_dimensions


def _published(layers: int, heads: int, channels: int) -> GPTConfiguration:
    return GPTConfiguration(number_of_layers=layers, number_of_heads=heads, number_of_embedding_dimensions=channels)


PUBLISHED_CONFIGURATIONS = {
    "gpt2": _published(12, 12, 768),  # 124,439,808 parameters
    "gpt2-medium": _published(24, 16, 1024),  # 354,823,168
    "gpt2-large": _published(36, 20, 1280),  # 774,030,080
    "gpt2-xl": _published(48, 25, 1600),  # 1,557,611,200
}
