"""The saved files in the hands of transformers, the library that they are made for."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer, GPT2TokenizerFast

from gpt25.tokenizer import Tokenizer


@pytest.fixture(scope="module", params=["gpt2", "small"])
def pair(
    request: pytest.FixtureRequest, small: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Tokenizer, Path]:
    tokenizer = Tokenizer.gpt2() if request.param == "gpt2" else small
    directory = tmp_path_factory.mktemp(request.param)
    tokenizer.save(directory)
    return tokenizer, directory


@pytest.mark.parametrize("loader", [AutoTokenizer, GPT2TokenizerFast])
def test_transformers_gives_the_same_ids(loader: type, pair: tuple[Tokenizer, Path], many_texts: list[str]) -> None:
    tokenizer, directory = pair
    oracle = loader.from_pretrained(directory)
    assert len(oracle) == tokenizer.vocabulary_size
    assert oracle.eos_token_id == oracle.bos_token_id == tokenizer.end_of_text_id
    for text in many_texts:
        ids = tokenizer.encode(text)
        assert oracle.encode(text, split_special_tokens=True) == ids, text
        assert oracle.decode(ids) == text
    assert oracle.encode("<|endoftext|>") == [tokenizer.end_of_text_id], "there the name of a token means the token"


def test_the_pair_of_older_files_gives_the_same_ids(pair: tuple[Tokenizer, Path], hostile_texts: list[str]) -> None:
    tokenizer, directory = pair
    oracle = GPT2TokenizerFast(vocab=str(directory / "vocab.json"), merges=str(directory / "merges.txt"))
    for text in hostile_texts:
        assert oracle.encode(text, split_special_tokens=True) == tokenizer.encode(text), text


def test_what_transformers_saves_with_chat_tokens_is_loaded(pair: tuple[Tokenizer, Path], tmp_path: Path) -> None:
    tokenizer, directory = pair
    oracle = AutoTokenizer.from_pretrained(directory)
    oracle.add_tokens(["<user>"])
    oracle.add_special_tokens({"pad_token": "<|pad|>"})
    oracle.save_pretrained(tmp_path)
    loaded = Tokenizer.load(tmp_path)
    size = tokenizer.vocabulary_size
    assert loaded.vocabulary_size == size + 2
    assert loaded.special_tokens == {"<|endoftext|>": size - 1, "<|pad|>": size + 1}
    text = "Hello <user>, <|pad|><|endoftext|>"
    assert loaded.encode(text) == oracle.encode(text, split_special_tokens=True)
    assert size in loaded.encode(text)
    assert loaded.decode(loaded.encode(text)) == text
