"""The end tokens that a model's own files name, from the disk to the end of a text."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from gpt25.errors import CorruptFileError, WeightsError
from gpt25.generation import TextGenerator
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer
from gpt25.weights import load_pretrained, save_pretrained

ChangeConfig = Callable[..., None]


def name_end(directory: Path, value: Any) -> None:
    (directory / "generation_config.json").write_text(json.dumps({"eos_token_id": value}))


@pytest.mark.parametrize(
    ("generation", "configuration", "expected"),
    [
        ([5, 7], 9, (5, 7)),
        (5, 9, (5,)),
        (None, [9, 9, 11], (9, 11)),
        (None, 50256, ()),  # a default that was kept beside a vocabulary of 280
        ([50256, 3], None, (3,)),
        (None, None, ()),
    ],
)
def test_end_tokens_are_read(
    generation: Any, configuration: Any, expected: tuple[int, ...], directory: Path, change_config: ChangeConfig
) -> None:
    name_end(directory, generation)
    change_config(eos_token_id=configuration)
    model, _ = load_pretrained(directory)
    assert model.end_token_ids == expected
    assert model.end_ids(279) == frozenset(expected or (279,))


@pytest.mark.parametrize("value", ["</s>", True, -1, 1.5, [[3]], [None], {"a": 1}])
def test_what_is_no_id_is_refused(value: Any, directory: Path) -> None:
    name_end(directory, value)
    with pytest.raises(
        WeightsError, match=r"generation_config\.json: eos_token_id is .*; it must be a token id or a list"
    ):
        load_pretrained(directory)


def test_a_damaged_file_is_named(directory: Path) -> None:
    (directory / "generation_config.json").write_text("[1")
    with pytest.raises(CorruptFileError, match=r"generation_config\.json is not JSON"):
        load_pretrained(directory)


def test_several_end_tokens_are_saved_again(directory: Path, tmp_path: Path) -> None:
    name_end(directory, [5, 7])
    save_pretrained(*load_pretrained(directory), tmp_path / "again")
    assert load_pretrained(tmp_path / "again")[0].end_token_ids == (5, 7)


@pytest.mark.parametrize("number_of_ends", [1, 2])
def test_texts_end_where_transformers_ends_them(
    number_of_ends: int, directory: Path, model: GPTModel, tokenizer: Tokenizer
) -> None:
    prompt = tokenizer.encode("the fox")[:2]
    whole = TextGenerator(model, tokenizer).generate(prompt, temperature=0, max_new_tokens=8)[0].token_ids
    ends = [279, whole[4]][-number_of_ends:]
    name_end(directory, ends)
    (sample,) = TextGenerator(*load_pretrained(directory)).generate(prompt, temperature=0, max_new_tokens=8)
    theirs = transformers.GPT2LMHeadModel.from_pretrained(directory).generate(
        torch.tensor([prompt]), do_sample=False, max_new_tokens=8, pad_token_id=0
    )
    assert sample.finish_reason == "stop"
    assert [*prompt, *sample.token_ids] == theirs[0, :-1].tolist()  # which has the end token too
    assert theirs[0, -1] in ends
