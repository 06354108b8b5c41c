import pytest

from gpt25.references.openai_weights import OPENAI_WEIGHTS
from gpt25.references.published_score import PARAMETERS
from gpt25.references.published_weights import PublishedContinuation
from gpt25.tokenizer import Tokenizer

CONTINUATIONS = [continuation for facts in OPENAI_WEIGHTS.values() for continuation in facts.continuations]


def test_the_four_sizes_have_their_counts() -> None:
    assert {name: facts.parameters for name, facts in OPENAI_WEIGHTS.items()} == {
        "gpt2": 124_439_808,
        "gpt2-medium": 354_823_168,
        "gpt2-large": 774_030_080,
        "gpt2-xl": 1_557_611_200,
    }
    assert all(PARAMETERS[name] == facts.parameters for name, facts in OPENAI_WEIGHTS.items())


def test_the_first_twenty_positions_of_the_smallest_are_known() -> None:
    positions = OPENAI_WEIGHTS["gpt2"].first_position_values
    assert len(positions) == 20
    assert (positions[0], positions[1], positions[-1]) == (-0.0188, -0.1974, -0.2042)
    assert sum(positions) == pytest.approx(-0.8083)
    assert "play.ipynb" in OPENAI_WEIGHTS["gpt2"].first_position_values_source


@pytest.mark.parametrize("continuation", CONTINUATIONS, ids=lambda continuation: continuation.prompt)
def test_a_continuation_names_its_source_and_its_tokens_spell_its_text(continuation: PublishedContinuation) -> None:
    repository, _, place = continuation.source.partition("@")
    assert repository.count("/") == 1
    assert len(place.partition(":")[0]) == 40
    if continuation.token_ids is not None:
        assert Tokenizer.gpt2().decode(continuation.token_ids) == continuation.text
    assert len(Tokenizer.gpt2().encode(continuation.text)) >= 8


def test_no_continuation_contradicts_another() -> None:
    plain = [continuation for continuation in OPENAI_WEIGHTS["gpt2"].continuations if continuation.conditions is None]
    assert len(plain) == 9
    for one in plain:
        for other in plain:
            if one.prompt == other.prompt:
                shorter, longer = sorted((one.text, other.text), key=len)
                assert longer.startswith(shorter)
