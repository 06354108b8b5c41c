import dataclasses
import math
from typing import get_type_hints

import pytest

from gpt25.errors import GenerationError
from gpt25.generation import SamplingChanges, SamplingSettings

HUGE = 10**400  # a whole number beyond every float


def nested(depth: int) -> list[object]:
    """A list in a list in a list …, as deep JSON makes it."""
    outermost: list[object] = []
    for _ in range(depth):
        outermost = [outermost]
    return outermost


REFUSED = {
    "temperature": (-1, -0.001, math.nan, math.inf, -math.inf, "hot", None, True, [], HUGE),
    "top_k": (-5, 0, 2.5, "10", True, math.nan, HUGE),
    "top_p": (0, 2, 1.0001, -0.1, math.nan, math.inf, "0.9", False, HUGE),
    "min_p": (1, -0.1, math.nan, "0", True),
    "repetition_penalty": (0, -1, 100.1, math.nan, math.inf, None, "1"),
    "frequency_penalty": (-2.01, 2.01, math.nan, None, "1", True),
    "presence_penalty": (-2.01, 2.01, math.nan, None, "1", True),
    "max_new_tokens": (0, -1, 10**12, 1.5, "5", True),
    "samples": (0, -1, 10**6, None, 1.0, True),
    "seed": (-1, 1 << 63, 0.5, "7", True),
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in REFUSED.items() for value in values])
def test_a_value_out_of_range_is_refused_with_its_field(field: str, value: object) -> None:
    with pytest.raises(GenerationError, match=f"^{field} is .*must be a (whole|finite) number"):
        SamplingSettings(**{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "temperature",
            -1,
            "temperature is -1; it must be a finite number of at least 0; 0 always takes the likeliest token.",
        ),
        ("top_p", 2, "top_p is 2; it must be a finite number above 0 and at most 1, or None to be off."),
        ("min_p", 1, "min_p is 1; it must be a finite number from 0 up to but not including 1, or None to be off."),
        ("top_k", -5, "top_k is -5; it must be a whole number from 1 to 16777216, or None for all tokens."),
        ("samples", 10**6, "samples is 1000000; it must be a whole number from 1 to 1024."),
        (
            "max_new_tokens",
            10**12,
            "max_new_tokens is 1000000000000; it must be a whole number from 1 to 1048576, "
            "or None for as many as fit, at most 256.",
        ),
        ("seed", -1, "seed is -1; it must be a whole number from 0 to 9223372036854775807, or None for a fresh one."),
        (
            "repetition_penalty",
            0,
            "repetition_penalty is 0; it must be a finite number above 0 and at most 100; 1 is off.",
        ),
        ("frequency_penalty", 3, "frequency_penalty is 3; it must be a finite number from -2 to 2; 0 is off."),
        ("stop", 5, "stop is 5; it must be a string or a list of at most 16 strings."),
        ("stop", ["x"] * 17, "stop has 17 strings; it may have at most 16."),
        ("stop", ["end", ""], "stop holds ''; each must be a string of 1 to 256 characters."),
        ("stop", ["end", 7], "stop holds 7; each must be a string of 1 to 256 characters."),
        ("stop", ["\ud800"], r"stop holds '\ud800'; a lone surrogate never occurs in a text, so remove it."),
    ],
)
def test_the_message_gives_the_value_and_the_range(field: str, value: object, message: str) -> None:
    with pytest.raises(GenerationError) as refusal:
        SamplingSettings(**{field: value})  # type: ignore[arg-type]
    assert str(refusal.value) == message


def test_a_stop_string_may_have_256_characters_and_no_more() -> None:
    assert SamplingSettings(stop=("x" * 256,)).stop == ("x" * 256,)
    with pytest.raises(GenerationError, match="1 to 256 characters"):
        SamplingSettings(stop=("x" * 257,))


@pytest.mark.parametrize("value", [nested(100_000), "y" * 10_000_000, 10**5000], ids=["deep", "long", "large"])
def test_values_too_large_to_show_are_refused_briefly(value: object) -> None:
    with pytest.raises(GenerationError) as refusal:
        SamplingSettings(temperature=value)  # type: ignore[arg-type]
    assert len(str(refusal.value)) < 250


def test_the_limits_themselves_are_allowed() -> None:
    SamplingSettings(temperature=0, top_k=1, top_p=1, min_p=0, samples=1, max_new_tokens=1, seed=0)
    SamplingSettings(temperature=1e300, top_p=5e-324, min_p=0.999, samples=1024, seed=(1 << 63) - 1)
    SamplingSettings(repetition_penalty=100, frequency_penalty=-2, presence_penalty=2, max_new_tokens=1 << 20)


def test_biases_become_pairs_in_the_order_of_ids() -> None:
    expected = ((3, -100.0), (50256, 2.5))
    assert SamplingSettings(logit_bias={50256: 2.5, 3: -100}).logit_bias == expected  # type: ignore[arg-type]
    assert SamplingSettings(logit_bias=[(50256, 2.5), (3, -100)]).logit_bias == expected  # type: ignore[arg-type]
    assert hash(SamplingSettings(logit_bias={3: 1})) == hash(SamplingSettings(logit_bias=((3, 1.0),)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "it must be a mapping of token ids to numbers"),
        ([3], "it must be a mapping of token ids to numbers"),
        (["ab"], "it must be a mapping of token ids to numbers"),
        ({-1: 1}, "names the token -1; ids are whole numbers from 0"),
        ({"3": 1}, "names the token '3'"),
        ({True: 1}, "names the token True"),
        ({3: 100.5}, "logit_bias of token 3 is 100.5; it must be a finite number from -100 to 100"),
        ({3: math.nan}, "logit_bias of token 3 is nan"),
        ({3: "1"}, "logit_bias of token 3 is '1'"),
        ({3: HUGE}, "logit_bias of token 3 is 1000"),
        (dict.fromkeys(range(1025), 0), "logit_bias has 1025 tokens; it may have at most 1024"),
        ([(3, 1), (3, 2)], "logit_bias names a token twice"),
    ],
)
def test_biases_are_checked(value: object, message: str) -> None:
    with pytest.raises(GenerationError, match=message):
        SamplingSettings(logit_bias=value)  # type: ignore[arg-type]


def test_stop_becomes_a_tuple() -> None:
    assert SamplingSettings(stop="end").stop == ("end",)  # type: ignore[arg-type]
    assert SamplingSettings(stop=["a", "b"]).stop == ("a", "b")  # type: ignore[arg-type]


def test_settings_cannot_be_changed_behind_the_checks() -> None:
    settings = SamplingSettings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.temperature = -1  # type: ignore[misc]
    with pytest.raises(GenerationError, match="temperature is -1"):
        settings.changed({"temperature": -1})
    assert settings.changed({"temperature": 0, "top_k": 5}) == SamplingSettings(temperature=0, top_k=5)


def test_an_unknown_setting_is_refused_with_the_nearest() -> None:
    with pytest.raises(GenerationError, match=r"there is no setting 'temprature'; did you mean temperature\?"):
        SamplingSettings().changed({"temprature": 1})
    with pytest.raises(GenerationError, match="there is no setting 'zzz'; there are temperature, top_k, top_p, .*seed"):
        SamplingSettings().changed({"zzz": 1})


def test_changes_name_exactly_the_settings() -> None:
    assert set(get_type_hints(SamplingChanges)) == {field.name for field in dataclasses.fields(SamplingSettings)}
