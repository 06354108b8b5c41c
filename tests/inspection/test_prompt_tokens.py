import pytest

from gpt25.errors import InspectionError
from gpt25.inspection import prompt_tokens, token_labels
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def model() -> GPTModel:
    return GPTModel(
        GPTConfiguration(
            block_size=8, vocabulary_size=50300, number_of_layers=1, number_of_heads=1, number_of_embedding_dimensions=4
        )
    )


def test_a_prompt_becomes_its_tokens(model: GPTModel) -> None:
    assert prompt_tokens(model, Tokenizer.gpt2(), "Hello world") == [15496, 995]


def test_an_empty_prompt_is_the_end_of_text(model: GPTModel) -> None:
    assert prompt_tokens(model, Tokenizer.gpt2(), "") == [50256]


def test_a_prompt_may_fill_the_block_and_no_more(model: GPTModel) -> None:
    assert len(prompt_tokens(model, Tokenizer.gpt2(), " a" * 8)) == 8
    message = "the prompt has 9 tokens, but the model's block size is 8; shorten it to at most 8 tokens"
    with pytest.raises(InspectionError, match=message):
        prompt_tokens(model, Tokenizer.gpt2(), " a" * 9)


def test_a_model_without_tokenizer_cannot_read(model: GPTModel) -> None:
    with pytest.raises(
        InspectionError, match=r"this model has no tokenizer, so it cannot read a prompt; put its vocab"
    ):
        prompt_tokens(model, None, "Hello")


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Hello the", ["Hello", "·the"]),
        ("a\nc\tb\r", ["a", "↵", "c", "⇥", "b", "←"]),
        ("é", ["é"]),
        ("漢", ["\\xe6", "\\xbc", "\\xa2"]),
        ("\x00\x1b", ["\\x00", "\\x1b"]),
        ("$x$", ["$", "x", "$"]),
    ],
)
def test_labels_show_what_cannot_be_seen(text: str, labels: list[str]) -> None:
    tokenizer = Tokenizer.gpt2()
    found = token_labels(tokenizer, tokenizer.encode(text))
    assert found == labels


def test_special_and_spare_ids_have_labels() -> None:
    assert token_labels(Tokenizer.gpt2(), [50256, 50257, 50299]) == ["<|endoftext|>", "#50257", "#50299"]
