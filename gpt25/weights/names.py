"""The one table between our names and those of Hugging Face, OpenAI and llama.cpp."""

import dataclasses
from collections.abc import Iterator

from gpt25.model import GPTConfiguration

# Ours, Hugging Face's, OpenAI's own (TensorFlow), llama.cpp's, the shape of ours in words. In front of the names of a
# block stand those of _BLOCK_PREFIXES. A "*" marks the matrices that OpenAI wrote as convolutions of width 1
# ("Conv1D"): Hugging Face's files hold them as (in, out), the transpose of a Linear's (out, in), OpenAI's as
# (1, in, out). GGUF files hold them as we do.
_BEFORE_BLOCKS = (
    (
        "transformer.word_token_embeddings.weight",
        "transformer.wte.weight",
        "model/wte",
        "token_embd.weight",
        "vocabulary channels",
    ),
    (
        "transformer.word_positional_embeddings.weight",
        "transformer.wpe.weight",
        "model/wpe",
        "position_embd.weight",
        "positions channels",
    ),
)
_BLOCK_PREFIXES = ("transformer.hidden.{i}.", "transformer.h.{i}.", "model/h{i}/", "blk.{i}.")
_BLOCK = (
    ("layer_norm_1.weight", "ln_1.weight", "ln_1/g", "attn_norm.weight", "channels"),
    ("layer_norm_1.bias", "ln_1.bias", "ln_1/b", "attn_norm.bias", "channels"),
    (
        "attention.query_key_value.weight",
        "attn.c_attn.weight",
        "attn/c_attn/w",
        "attn_qkv.weight",
        "three_channels channels *",
    ),
    ("attention.query_key_value.bias", "attn.c_attn.bias", "attn/c_attn/b", "attn_qkv.bias", "three_channels"),
    ("attention.projection.weight", "attn.c_proj.weight", "attn/c_proj/w", "attn_output.weight", "channels channels *"),
    ("attention.projection.bias", "attn.c_proj.bias", "attn/c_proj/b", "attn_output.bias", "channels"),
    ("layer_norm_2.weight", "ln_2.weight", "ln_2/g", "ffn_norm.weight", "channels"),
    ("layer_norm_2.bias", "ln_2.bias", "ln_2/b", "ffn_norm.bias", "channels"),
    (
        "multi_layer_perceptron.expansion.weight",
        "mlp.c_fc.weight",
        "mlp/c_fc/w",
        "ffn_up.weight",
        "hidden channels *",
    ),
    ("multi_layer_perceptron.expansion.bias", "mlp.c_fc.bias", "mlp/c_fc/b", "ffn_up.bias", "hidden"),
    (
        "multi_layer_perceptron.projection.weight",
        "mlp.c_proj.weight",
        "mlp/c_proj/w",
        "ffn_down.weight",
        "channels hidden *",
    ),
    ("multi_layer_perceptron.projection.bias", "mlp.c_proj.bias", "mlp/c_proj/b", "ffn_down.bias", "channels"),
)
_AFTER_BLOCKS = (
    (
        "transformer.final_layer_norm.weight",
        "transformer.ln_f.weight",
        "model/ln_f/g",
        "output_norm.weight",
        "channels",
    ),
    ("transformer.final_layer_norm.bias", "transformer.ln_f.bias", "model/ln_f/b", "output_norm.bias", "channels"),
)

TOKEN_EMBEDDINGS = "transformer.word_token_embeddings.weight"
POSITIONAL_EMBEDDINGS = "transformer.word_positional_embeddings.weight"
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
    """One tensor under all of its names."""

    ours: str
    hugging_face: str
    openai: str
    """In the TensorFlow checkpoints that OpenAI released."""
    llama_cpp: str
    """In GGUF files."""
    shape: tuple[int, ...]
    """As in our model."""
    transposed: bool
    """Whether Hugging Face's files and OpenAI's hold the transpose of our tensor."""

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """As in Hugging Face's files; OpenAI's add a leading dimension of 1 to the transposed ones."""
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

    def named(row: tuple[str, ...], prefixes: tuple[str, ...] = ("", "", "", "")) -> TensorName:
        *names, axes = row
        ours, hugging_face, openai, llama_cpp = map(str.__add__, prefixes, names)
        shape = tuple(sizes[axis] for axis in axes.split() if axis != "*")
        return TensorName(ours, hugging_face, openai, llama_cpp, shape, transposed=axes.endswith("*"))

    for row in _BEFORE_BLOCKS:
        yield named(row)
    for layer in range(configuration.number_of_layers):
        prefixes = tuple(prefix.format(i=layer) for prefix in _BLOCK_PREFIXES)
        for row in _BLOCK:
            yield named(row, prefixes)
    for row in _AFTER_BLOCKS:
        yield named(row)
