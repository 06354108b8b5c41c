"""A vocabulary as Hugging Face's files: vocab.json, merges.txt, tokenizer.json and tokenizer_config.json."""

import json
from pathlib import Path
from typing import Any

from gpt25.storage import atomic_files, write_json, write_text
from gpt25.tokenizer.token_table import token_table
from gpt25.tokenizer.vocabulary import Vocabulary

_OF_OTHER_TOKENIZERS = ("encoder.json", "vocab.bpe", "added_tokens.json", "special_tokens_map.json")


def write_tokenizer_files(vocabulary: Vocabulary, directory: Path) -> None:
    """Write the four files, together or not at all; raises StorageError when the directory cannot be written.

    What the directory holds besides stays, less the files of a tokenizer that ours does not have.
    For GPT-2's own vocabulary, vocab.json and merges.txt are OpenAI's encoder.json and vocab.bpe byte for byte.
    tokenizer.json is read by `tokenizers` and transformers' fast class, the pair of other files by everything older.
    """
    table = token_table(vocabulary)
    identifiers = {
        text: identifier
        for identifier, (text, kind) in enumerate(zip(table.texts, table.kinds, strict=True))
        if kind != "unused"
    }
    with atomic_files(directory, superseded=_OF_OTHER_TOKENIZERS) as together:
        write_text(together / "vocab.json", json.dumps(identifiers))
        write_text(together / "merges.txt", "".join(f"{line}\n" for line in ("#version: 0.2", *table.merges)))
        # One line: with indentation Python writes JSON ten times slower, and nobody reads 100,000 lines.
        write_text(together / "tokenizer.json", json.dumps(_fast_tokenizer(vocabulary, identifiers, table.merges)))
        write_json(together / "tokenizer_config.json", _configuration(vocabulary))


def _added_tokens(vocabulary: Vocabulary) -> list[dict[str, Any]]:
    """Hugging Face's description of each token beyond the ordinary ones, in order of id."""
    kinds = ((vocabulary.special, True), (vocabulary.plain, False))
    added = [(identifier, text, special) for tokens, special in kinds for text, identifier in tokens.items()]
    return [
        {
            "id": identifier,
            "content": text,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": special,
        }
        for identifier, text, special in sorted(added)
    ]


def _fast_tokenizer(vocabulary: Vocabulary, identifiers: dict[str, int], merges: list[str]) -> dict[str, Any]:
    """The content of tokenizer.json."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _added_tokens(vocabulary),
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": byte_level | {"trim_offsets": False},
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": identifiers,
            "merges": merges,
        },
    }


def _configuration(vocabulary: Vocabulary) -> dict[str, Any]:
    """The content of tokenizer_config.json: one token serves as beginning, end and unknown, as in GPT-2."""
    descriptions = {str(token.pop("id")): token for token in _added_tokens(vocabulary)}
    return {
        "tokenizer_class": "GPT2Tokenizer",
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "bos_token": vocabulary.end_of_text,
        "eos_token": vocabulary.end_of_text,
        "unk_token": vocabulary.end_of_text,
        "errors": "replace",
        "added_tokens_decoder": descriptions,
    }
