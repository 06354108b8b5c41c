"""Causal multi-head self-attention."""

from torch import Tensor, nn
from torch.nn import functional

from gpt25.model.configuration import GPTConfiguration
from gpt25.model.key_value_cache import Cache
from gpt25.model.layers import Linear
from gpt25.model.short_attention import causal_attention, suits_short_attention


class Attention(nn.Module):
    """Each position attends to itself and the positions before it, in several heads side by side.

    Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2; causal as in Radford et al. 2018, section
    3.1.
    """

    def __init__(self, configuration: GPTConfiguration) -> None:
        super().__init__()
        channels = configuration.number_of_embedding_dimensions
        self.number_of_heads = configuration.number_of_heads
        self.attention_dropout = configuration.attention_dropout
        self.query_key_value = Linear(channels, 3 * channels)
        self.projection = Linear(channels, channels)
        self.residual_dropout = nn.Dropout(configuration.residual_dropout)

    def forward(self, inputs: Tensor, cache: Cache | None = None, layer: int = 0) -> Tensor:
        """Mix positions: (batch, time, channels) -> (batch, time, channels).

        With a cache, `inputs` are the positions that follow those in the cache, which grows by them.
        """
        query, key, value = self.heads(inputs)  # each (batch, heads, time, head size)
        from_the_start = cache is None or cache.is_empty  # then causality is a flag and needs no mask in memory
        mask = None
        if cache is not None:
            key, value = cache.append(layer, key, value)  # each (batch, heads, past + time, head size)
            if not from_the_start:
                mask = cache.mask(query.size(2))  # what can be added to (batch, heads, time, past + time), or None
        dropout = self.attention_dropout if self.training else 0.0
        if from_the_start and not dropout and suits_short_attention(query):
            mixed = causal_attention(query, key, value)  # (batch, heads, time, head size)
        else:
            mixed = functional.scaled_dot_product_attention(
                query, key, value, attn_mask=mask, dropout_p=dropout, is_causal=from_the_start
            )  # (batch, heads, time, head size)
        mixed = mixed.transpose(1, 2).flatten(2)  # (batch, time, channels)
        return self.residual_dropout(self.projection(mixed))

    def heads(self, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of `inputs` (batch, time, channels), each (batch, heads, time, head size)."""
        return self.split(self.query_key_value(inputs))

    def split(self, fused: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What `query_key_value` gave, (batch, time, 3 * channels), as three of (batch, heads, time, head size)."""
        batch, time, _ = fused.shape
        fused = fused.view(batch, time, 3, self.number_of_heads, -1)  # (batch, time, 3, heads, head size)
        query, key, value = fused.permute(2, 0, 3, 1, 4).unbind(0)
        return query, key, value
