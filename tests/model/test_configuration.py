import dataclasses
import math

import pytest

from gpt25.errors import ConfigurationError
from gpt25.model import PUBLISHED_CONFIGURATIONS, GPTConfiguration


def test_defaults_are_openai_s_124m() -> None:
    shape = GPTConfiguration()
    assert (shape.block_size, shape.vocabulary_size) == (1024, 50257)
    assert (shape.number_of_layers, shape.number_of_heads, shape.number_of_embedding_dimensions) == (12, 12, 768)
    assert (shape.embedding_dropout, shape.attention_dropout, shape.residual_dropout) == (0, 0, 0)
    assert shape.layer_norm_epsilon == 1e-5
    assert (shape.head_size, shape.number_of_hidden_dimensions) == (64, 3072)
    assert PUBLISHED_CONFIGURATIONS["gpt2"] == shape


def test_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        GPTConfiguration().block_size = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    "field",
    ["block_size", "vocabulary_size", "number_of_layers", "number_of_heads", "number_of_embedding_dimensions"],
)
@pytest.mark.parametrize("value", [0, -1, 10**9, 2.0, True, "12", None])
def test_a_size_that_cannot_be_is_refused_with_its_range(field: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{field} is .+; it must be a whole number from 1 to [\d,]+\.$"):
        GPTConfiguration(**{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["embedding_dropout", "attention_dropout", "residual_dropout"])
@pytest.mark.parametrize("value", [-0.1, 1.0, math.nan, "0.1", False, None])
def test_a_dropout_that_is_no_probability_is_refused(field: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"^{field} is .+ a probability from 0 up to but not including 1"):
        GPTConfiguration(**{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0, -1e-5, math.inf, math.nan, "1e-5", True])
def test_an_epsilon_that_cannot_be_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match="^layer_norm_epsilon is .+ a small positive number"):
        GPTConfiguration(layer_norm_epsilon=value)  # type: ignore[arg-type]


def test_heads_must_divide_the_channels() -> None:
    with pytest.raises(ValueError, match="number_of_heads 5 does not divide number_of_embedding_dimensions 768"):
        GPTConfiguration(number_of_heads=5)
