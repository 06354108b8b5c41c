"""The full GPT-2: embeddings, blocks, final layer norm and the tied head."""

import math
from typing import TYPE_CHECKING, overload

import torch
from torch import Tensor, nn
from torch.nn import functional

from gpt25.errors import ConfigurationError
from gpt25.model.block import Block
from gpt25.model.configuration import GPTConfiguration
from gpt25.model.description import one_line, parts_table
from gpt25.model.key_value_cache import Cache
from gpt25.model.layers import Embedding, Linear

_STANDARD_DEVIATION = 0.02  # Radford et al. 2018, section 4.1; kept by GPT-2
_POSITIONS_STANDARD_DEVIATION = 0.01  # openai/gpt-2, src/model.py: wpe


class Transformer(nn.Module):
    """Everything below the head: token ids in, residual stream out."""

    def __init__(self, configuration: GPTConfiguration) -> None:
        super().__init__()
        channels = configuration.number_of_embedding_dimensions
        self.word_token_embeddings = Embedding(configuration.vocabulary_size, channels)
        self.word_positional_embeddings = Embedding(configuration.block_size, channels)
        self.embedding_dropout = nn.Dropout(configuration.embedding_dropout)
        self.hidden = nn.ModuleList(Block(configuration) for _ in range(configuration.number_of_layers))
        self.final_layer_norm = nn.LayerNorm(channels, eps=configuration.layer_norm_epsilon)

    def forward(self, indices: Tensor, cache: Cache | None = None) -> Tensor:
        """Read token ids (batch, time) into the normalised residual stream (batch, time, channels)."""
        stream = self.embed(indices, past=0 if cache is None else cache.past)  # (batch, time, channels)
        for layer, block in enumerate(self.hidden):
            stream = block(stream, cache, layer)
        if cache is not None:
            cache.advance(indices.size(1))
        return self.final_layer_norm(stream)

    def embed(self, indices: Tensor, *, past: int | Tensor = 0) -> Tensor:
        """What the first block reads of token ids (batch, time) that follow `past` others: (batch, time, channels).

        past: one number for all rows, or (batch, 1) int64.
        """
        if isinstance(past, Tensor):
            positions = past + torch.arange(indices.size(1), device=indices.device)  # (batch, time)
        else:
            positions = torch.arange(past, past + indices.size(1), device=indices.device)  # (time)
        stream = self.word_token_embeddings(indices) + self.word_positional_embeddings(positions)
        return self.embedding_dropout(stream)  # (batch, time, channels)


class GPTModel(nn.Module):
    """Exactly GPT-2: what this class trains loads in `transformers.GPT2LMHeadModel`, and the other way round.

    Source: Radford et al. 2019, section 2.3; the code of openai/gpt-2, src/model.py.
    """

    def __init__(self, configuration: GPTConfiguration, *, generator: torch.Generator | None = None) -> None:
        """Build the model with GPT-2's random initialisation, drawn from `generator` or from torch's own.

        Under `torch.device("meta")` it has shapes and no weights, ready for `load_state_dict(..., assign=True)`.
        """
        super().__init__()
        self.configuration = configuration
        self.end_token_ids: tuple[int, ...] = ()
        """Token ids at which its texts end, where its files name them; empty means the tokenizer's end of text."""
        self.transformer = Transformer(configuration)
        self.language_modeling_head = Linear(
            configuration.number_of_embedding_dimensions, configuration.vocabulary_size, bias=False
        )
        self.tie_head()
        if not self.language_modeling_head.weight.is_meta:  # without memory there is nothing to draw
            self.initialise(generator)

    def __repr__(self) -> str:
        """Parameters, shape, precision and device in a line; print(model.transformer) shows the modules."""
        return one_line(self.configuration, precision=self._precision, device=str(self.device))

    def _repr_html_(self) -> str:
        """The same in a notebook, with the parameters of every part."""
        return parts_table(self.configuration, precision=self._precision, device=str(self.device))

    @property
    def _precision(self) -> str:
        is_int8 = any(buffer.dtype == torch.int8 for buffer in self.buffers())
        return "int8" if is_int8 else str(self.dtype).removeprefix("torch.")

    def end_ids(self, end_of_text_id: int) -> frozenset[int]:
        """The token ids at which a text of this model ends: its own, or else the tokenizer's end of text."""
        return frozenset(self.end_token_ids or (end_of_text_id,))

    def tie_head(self) -> None:
        """Let the head read the token embeddings' own matrix: one tensor, two uses."""
        self.language_modeling_head.weight = self.transformer.word_token_embeddings.weight

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return self.transformer.final_layer_norm.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the residual stream, and so of the key-value cache."""
        return self.transformer.final_layer_norm.weight.dtype

    @torch.no_grad()
    def initialise(self, generator: torch.Generator | None = None) -> None:
        """Draw GPT-2's initial weights.

        Matrices and token embeddings N(0, 0.02), positions N(0, 0.01), biases 0, layer norms' weights 1. The
        projections that write into the residual stream are scaled by 1 / sqrt(2 * layers), because two per block add up
        there (Radford et al. 2019, section 2.3).
        """
        residual = _STANDARD_DEVIATION / math.sqrt(2 * self.configuration.number_of_layers)
        for name, parameter in self.named_parameters():
            if "layer_norm" in name:
                parameter.fill_(1.0 if name.endswith("weight") else 0.0)
            elif name.endswith("bias"):
                parameter.zero_()
            elif name.endswith("word_positional_embeddings.weight"):
                parameter.normal_(0.0, _POSITIONS_STANDARD_DEVIATION, generator=generator)
            elif name.endswith("projection.weight"):
                parameter.normal_(0.0, residual, generator=generator)
            else:
                parameter.normal_(0.0, _STANDARD_DEVIATION, generator=generator)

    def hidden_states(self, indices: Tensor, *, cache: Cache | None = None) -> Tensor:
        """What the head reads: token ids (batch, time) int64 -> (batch, time, channels), after the final layer norm."""
        if indices.dim() != 2 or indices.size(1) == 0:
            raise ConfigurationError(
                f"indices have the shape {tuple(indices.shape)}; they must be (batch, time), time at least 1."
            )
        length = indices.size(1) + (0 if cache is None else cache.length)
        if length > self.configuration.block_size:
            raise ConfigurationError(
                f"{length} tokens are more than the block size of {self.configuration.block_size}."
            )
        return self.transformer(indices, cache)

    @overload
    def forward(self, indices: Tensor, labels: None = None, *, cache: Cache | None = None) -> Tensor: ...

    @overload
    def forward(self, indices: Tensor, labels: Tensor, *, cache: Cache | None = None) -> tuple[Tensor, Tensor]: ...

    def forward(
        self, indices: Tensor, labels: Tensor | None = None, *, cache: Cache | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Predict the next token at every position.

        indices: token ids (batch, time), int64, each below the vocabulary size.
        labels: (batch, time), int64: labels[b, t] is the token that follows indices[b, t]; -100 is ignored.
        cache: keys and values of the positions before these; grows by `time`.
        Returns the logits (batch, time, vocabulary), and with labels also the mean cross-entropy in nats.
        Raises ConfigurationError when there are more positions than the block size, or labels are not shifted.
        """
        logits = self.language_modeling_head(self.hidden_states(indices, cache=cache))  # (batch, time, vocabulary)
        if labels is None:
            return logits
        if labels is indices:
            raise ConfigurationError(
                "labels are the indices themselves; labels[b, t] must be the token after indices[b, t]: "
                "pass model(tokens[:, :-1], tokens[:, 1:])."
            )
        loss = functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), ignore_index=-100)
        return logits, loss

    if TYPE_CHECKING:
        __call__ = forward  # nn.Module's own returns Any
