"""What a GGUF file says about a GPT-2 beside its tensors: shape, vocabulary, merges.

Source of the keys: github.com/ggml-org/ggml, docs/gguf.md; what llama.cpp asks of its architecture "gpt2" is in its
src/models/gpt2.cpp and src/llama-vocab.cpp.
"""

import unicodedata
from collections import Counter
from typing import Any

from gpt25.errors import WeightsError
from gpt25.model import GPTConfiguration
from gpt25.tokenizer import Tokenizer
from gpt25.weights.gguf.gguf_dtypes import GGUFType

ARCHITECTURE = "gpt2"
_LONGEST_NAME = 100
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # control, format, surrogate, private, unassigned, separators


def presentable_name(name: str) -> str:
    r"""One short line without control characters, whatever the words of a user or a file held.

    presentable_name("my\nmodel") -> "my model"
    """
    line = "".join(" " if unicodedata.category(character) in _UNSEEN else character for character in name)
    return " ".join(line.split())[:_LONGEST_NAME].rstrip() or "GPT-2"


def write_metadata(
    writer: Any, configuration: GPTConfiguration, tokenizer: Tokenizer, *, name: str, dtype_name: GGUFType
) -> None:
    """Hand everything but the tensors to a gguf.GGUFWriter of ARCHITECTURE.

    Raises WeightsError for a vocabulary that llama.cpp cannot read.
    """
    import gguf

    file_types = {
        "float32": gguf.LlamaFileType.ALL_F32,
        "float16": gguf.LlamaFileType.MOSTLY_F16,
        "bfloat16": gguf.LlamaFileType.MOSTLY_BF16,
        "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
    }
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(presentable_name(name))
    writer.add_file_type(file_types[dtype_name])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(configuration.block_size)
    writer.add_embedding_length(configuration.number_of_embedding_dimensions)
    writer.add_block_count(configuration.number_of_layers)
    writer.add_feed_forward_length(configuration.number_of_hidden_dimensions)
    writer.add_head_count(configuration.number_of_heads)
    writer.add_layer_norm_eps(configuration.layer_norm_epsilon)
    _write_vocabulary(writer, tokenizer)


def _write_vocabulary(writer: Any, tokenizer: Tokenizer) -> None:
    import gguf

    kinds = {
        "ordinary": gguf.TokenType.NORMAL,
        "special": gguf.TokenType.CONTROL,
        "plain": gguf.TokenType.USER_DEFINED,
        "unused": gguf.TokenType.UNUSED,
    }
    table = tokenizer.table()
    if not table.merges:
        raise WeightsError(
            f"the tokenizer {tokenizer.name} has no merges, only bytes; llama.cpp cannot load such a vocabulary. "
            "Use a model whose tokenizer was trained with more than 257 tokens."
        )
    twice = [text for text, count in Counter(table.texts).items() if count > 1]
    if twice:
        raise WeightsError(
            f"the tokenizer {tokenizer.name} has two tokens that are both written {twice[0]!r}; llama.cpp aborts on "
            "such a vocabulary. Rename the added one."
        )
    writer.add_tokenizer_model("gpt2")  # byte-level BPE
    writer.add_tokenizer_pre("gpt-2")  # with GPT-2's split of a text into pieces
    writer.add_token_list(table.texts)
    writer.add_token_types([kinds[kind] for kind in table.kinds])
    writer.add_token_merges(table.merges)
    writer.add_bos_token_id(tokenizer.end_of_text_id)
    writer.add_eos_token_id(tokenizer.end_of_text_id)
    writer.add_add_bos_token(False)  # GPT-2 reads a prompt as it is
    writer.add_add_eos_token(False)
