"""The one table between our names and the abbreviations of OpenAI and Hugging Face."""

import dataclasses
from collections.abc import Iterator

from gpt25.model import GPTConfiguration

# Ours, theirs, the shape of ours in words. `{i}` is the number of a block. A "*" marks the matrices that OpenAI wrote
# as convolutions of width 1 ("Conv1D"): a file holds them as (in, out), the transpose of a Linear's (out, in).
_BEFORE_BLOCKS = (
    ("transformer.word_token_embeddings.weight", "transformer.wte.weight", "vocabulary channels"),
    ("transformer.word_positional_embeddings.weight", "transformer.wpe.weight", "positions channels"),
)
_BLOCK = (
    ("layer_norm_1.weight", "ln_1.weight", "channels"),
    ("layer_norm_1.bias", "ln_1.bias", "channels"),
    ("attention.query_key_value.weight", "attn.c_attn.weight", "three_channels channels *"),
    ("attention.query_key_value.bias", "attn.c_attn.bias", "three_channels"),
    ("attention.projection.weight", "attn.c_proj.weight", "channels channels *"),
    ("attention.projection.bias", "attn.c_proj.bias", "channels"),
    ("layer_norm_2.weight", "ln_2.weight", "channels"),
    ("layer_norm_2.bias", "ln_2.bias", "channels"),
    ("multi_layer_perceptron.expansion.weight", "mlp.c_fc.weight", "hidden channels *"),
    ("multi_layer_perceptron.expansion.bias", "mlp.c_fc.bias", "hidden"),
    ("multi_layer_perceptron.projection.weight", "mlp.c_proj.weight", "channels hidden *"),
    ("multi_layer_perceptron.projection.bias", "mlp.c_proj.bias", "channels"),
)
_AFTER_BLOCKS = (
    ("transformer.final_layer_norm.weight", "transformer.ln_f.weight", "channels"),
    ("transformer.final_layer_norm.bias", "transformer.ln_f.bias", "channels"),
)

TOKEN_EMBEDDINGS = "transformer.word_token_embeddings.weight"
PREFIX = "transformer."  # OpenAI's own files on the Hub leave it out
OUR_HEAD = "language_modeling_head.weight"
HEAD = "lm_head.weight"  # the token embeddings a second time; most files leave it out
MASK_BUFFERS = (".attn.bias", ".attn.masked_bias")  # causal masks that old versions stored; they hold no weights

GLOSSARY = {
    "wte": "word token embeddings",
    "wpe": "word positional embeddings",
    "h": "hidden: the list of blocks",
    "ln_1, ln_2": "layer norm before the attention, before the multi-layer perceptron",
    "attn": "attention",
    "c_attn": "query, key and value in one matrix (c: written as a convolution of width 1, not cross-attention)",
    "mlp": "multi-layer perceptron",
    "c_fc": "fully connected: the expansion to four times the channels",
    "c_proj": "projection back into the residual stream",
    "ln_f": "final layer norm",
    "lm_head": "language-modeling head: the token embeddings' own matrix, used a second time",
}


@dataclasses.dataclass(frozen=True)
class TensorName:
    """One tensor under both of its names."""

    ours: str
    hugging_face: str
    shape: tuple[int, ...]
    """As in our model."""
    transposed: bool
    """Whether a file holds the transpose of our tensor."""

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """As in a file."""
        return self.shape[::-1] if self.transposed else self.shape


def tensor_names(configuration: GPTConfiguration) -> Iterator[TensorName]:
    """Yield all tensors of a model in the order in which data meets them; the tied head is not listed again."""
    sizes = {
        "vocabulary": configuration.vocabulary_size,
        "positions": configuration.block_size,
        "channels": configuration.number_of_embedding_dimensions,
        "three_channels": 3 * configuration.number_of_embedding_dimensions,
        "hidden": configuration.number_of_hidden_dimensions,
    }

    def named(ours: str, theirs: str, words: str) -> TensorName:
        shape = tuple(sizes[word] for word in words.split() if word != "*")
        return TensorName(ours, theirs, shape, transposed=words.endswith("*"))

    for row in _BEFORE_BLOCKS:
        yield named(*row)
    for layer in range(configuration.number_of_layers):
        for ours, theirs, words in _BLOCK:
            yield named(f"transformer.hidden.{layer}.{ours}", f"transformer.h.{layer}.{theirs}", words)
    for row in _AFTER_BLOCKS:
        yield named(*row)
