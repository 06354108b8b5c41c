"""Several texts, branching ones too, read in one pass: what they share once, and padded only inside attention."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from gpt25.model.block import Block
from gpt25.model.gpt import GPTModel


@dataclass(frozen=True)
class PrefixTrees:
    """Trees of tokens, laid one after the other. A token attends to itself and those on the path to its tree's root.

    A text is a tree that does not branch. A question with several answers is one that branches behind the question.
    """

    indices: Tensor
    """Token ids (tokens), every token behind the one that it follows."""
    positions: Tensor
    """How far each is from its root (tokens)."""
    pad_indices: Tensor
    """Which token stands where in the padded batch, a row for every tree: (trees, longest); any for padding."""
    unpad_indices: Tensor
    """Where each token stands in the flattened padded batch: (tokens)."""
    mask: Tensor | None
    """Which padded positions each attends to, itself among them: (trees, 1, longest, longest), bool; None where no tree
    branches and causality is enough."""

    def hidden_states(self, model: GPTModel, wanted: Tensor) -> Tensor:
        """What the head reads at the tokens `wanted` (wanted): (wanted, channels), after the final layer norm.

        The function of `GPTModel.hidden_states` without dropout. Linear layers and the perceptron see no padding, and
        the last block is computed at `wanted` only: nothing else there is read.
        """
        transformer = model.transformer
        stream = transformer.word_token_embeddings(self.indices)  # (tokens, channels)
        stream = stream + transformer.word_positional_embeddings(self.positions)
        bias = None if self.mask is None else _bias(self.mask, stream.dtype)  # (trees, 1, longest, longest)
        last = len(transformer.hidden) - 1
        for layer, block in enumerate(transformer.hidden):
            assert isinstance(block, Block)
            mixed = self._mix(block, stream, bias)  # (tokens, channels)
            if layer == last:
                stream, mixed = stream[wanted], mixed[wanted]  # (wanted, channels)
            stream = stream + block.attention.projection(mixed)
            stream = stream + block.multi_layer_perceptron(block.layer_norm_2(stream))
        normalised: Tensor = transformer.final_layer_norm(stream)
        return normalised

    def _mix(self, block: Block, stream: Tensor, bias: Tensor | None) -> Tensor:
        """What the heads of a block read, side by side: (tokens, channels) -> the same shape."""
        fused = block.attention.query_key_value(block.layer_norm_1(stream))  # (tokens, 3 * channels)
        is_full = len(fused) == self.pad_indices.numel()  # then there is no padding
        rows = fused.view(*self.pad_indices.shape, -1) if is_full else fused[self.pad_indices]
        query, key, value = block.attention.split(rows)  # each (trees, heads, longest, head size)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias, is_causal=bias is None)
        mixed = mixed.transpose(1, 2).flatten(2).flatten(0, 1)  # (trees * longest, channels)
        return mixed if is_full else mixed[self.unpad_indices]


def _bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """The mask as what is added to the scores, made once for all layers: 0 where true, else minus infinity."""
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, -torch.inf)
