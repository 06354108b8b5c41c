"""The peer's model of our shape, for the benchmarks that train it."""

from typing import TYPE_CHECKING, Any

from gpt25.model import GPTConfiguration

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel


def transformers_model(shape: GPTConfiguration, **fields: Any) -> "GPT2LMHeadModel":
    """A GPT2LMHeadModel with random weights and no dropout; `fields` go to its GPT2Config."""
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            n_layer=shape.number_of_layers,
            n_head=shape.number_of_heads,
            n_embd=shape.number_of_embedding_dimensions,
            n_positions=shape.block_size,
            vocab_size=shape.vocabulary_size,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            **fields,
        )
    )
