"""The checks against models that differ in one thing, with facts that this test takes from a model of its own."""

import dataclasses

import pytest
import torch

from gpt25.generation import TextGenerator
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.recipes.reference_check import ReferenceCheck, number_of_reference_checks, reference_checks
from gpt25.references.published_weights import PublishedContinuation, PublishedWeights
from gpt25.tokenizer import Tokenizer

SHAPE = GPTConfiguration(
    block_size=32, vocabulary_size=50257, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=16
)


def random_model(shape: GPTConfiguration = SHAPE) -> GPTModel:
    """The same numbers every time; the first positions as large as OpenAI's, so that every decimal counts."""
    model = GPTModel(shape, generator=torch.Generator().manual_seed(11))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.mul_(10)
    return model.eval()


@pytest.fixture(scope="module")
def facts() -> PublishedWeights:
    model = random_model()
    (first, second) = (
        TextGenerator(model, Tokenizer.gpt2()).generate(prompt, max_new_tokens=8, temperature=0)[0]
        for prompt in ("The dog", "Hello.")
    )
    positions = model.transformer.word_positional_embeddings.weight.flatten()[:20].tolist()
    return PublishedWeights(
        parameters=50257 * 16 + 32 * 16 + 2 * (12 * 16 * 16 + 13 * 16) + 2 * 16,
        first_position_values=tuple(round(number, 4) for number in positions),
        first_position_values_source="this test",
        continuations=(
            PublishedContinuation("The dog", first.text, "this test", first.token_ids),
            PublishedContinuation("Hello.", second.text[:-1], "this test"),
            PublishedContinuation("Half", " a number", "this test", conditions="float16"),
        ),
    )


def checked(model: GPTModel, facts: PublishedWeights, tokenizer: Tokenizer | None = None) -> dict[str, ReferenceCheck]:
    checks = list(reference_checks(model, tokenizer, facts, SHAPE))
    assert len(checks) == number_of_reference_checks(facts)
    return {check.name: check for check in checks}


def failed(checks: dict[str, ReferenceCheck]) -> list[str]:
    return [name for name, check in checks.items() if not check.passed]


NAMES = ["shape", "parameters", "tokenizer", "first 20 of wpe", "after 'The dog'", "after 'Hello.'"]


@pytest.mark.parametrize("tokenizer", [None, Tokenizer.gpt2()], ids=["no tokenizer", "GPT-2's"])
def test_the_model_itself_agrees_and_other_conditions_are_not_replayed(
    facts: PublishedWeights, tokenizer: Tokenizer | None
) -> None:
    checks = checked(random_model(), facts, tokenizer)
    assert list(checks) == NAMES
    assert failed(checks) == []
    assert checks["parameters"].expected == checks["parameters"].found == f"{facts.parameters:,}"
    assert checks["first 20 of wpe"].source == "this test"


@pytest.mark.parametrize(("change", "passes"), [(0.00004, True), (0.00011, False)])
def test_positions_are_compared_to_four_decimals(facts: PublishedWeights, change: float, passes: bool) -> None:
    model = random_model()
    with torch.no_grad():
        flat = model.transformer.word_positional_embeddings.weight.view(-1)
        flat[6] = facts.first_position_values[6] + change
    check = checked(model, facts)["first 20 of wpe"]
    assert check.passed is passes
    if not passes:
        assert check.found.startswith("value 7 is ")
        assert check.found.endswith(f" instead of {facts.first_position_values[6]:.4f}")


def test_what_a_changed_block_writes_is_shown(facts: PublishedWeights) -> None:
    model = random_model()
    with torch.no_grad():
        model.transformer.final_layer_norm.weight.neg_()
    checks = checked(model, facts)
    assert failed(checks) == ["after 'The dog'", "after 'Hello.'"]
    assert checks["after 'The dog'"].expected == repr(facts.continuations[0].text)
    assert checks["after 'The dog'"].found != checks["after 'The dog'"].expected


def test_tokens_are_compared_where_tokens_were_published(facts: PublishedWeights) -> None:
    first = facts.continuations[0]
    assert first.token_ids is not None
    other = dataclasses.replace(first, token_ids=(*first.token_ids[:-1], first.token_ids[-1] + 1))
    changed = dataclasses.replace(facts, continuations=(other,))
    assert failed(checked(random_model(), changed)) == ["after 'The dog'"]


def test_another_shape_is_named_and_nothing_breaks(facts: PublishedWeights) -> None:
    small = dataclasses.replace(SHAPE, block_size=4, number_of_heads=1, number_of_embedding_dimensions=2)
    checks = checked(random_model(small), facts)
    assert failed(checks) == ["shape", "parameters", *NAMES[3:]]
    assert checks["shape"].found.startswith("2 layers, 1 head, 2 channels, block 4, vocabulary 50257")
    assert checks["after 'The dog'"].found == "nothing: the text does not fit this model"


def test_another_vocabulary_is_named_and_nothing_breaks(facts: PublishedWeights) -> None:
    model = random_model(dataclasses.replace(SHAPE, vocabulary_size=257))
    own = Tokenizer.train(["any text"], vocabulary_size=257)
    assert {"tokenizer", "parameters"} <= set(failed(checked(model, facts, own)))
    assert checked(model, facts)["after 'Hello.'"].found == "nothing: the text does not fit this model"


def test_without_published_numbers_only_the_shape_is_checked() -> None:
    bare = PublishedWeights(parameters=1)
    assert list(checked(random_model(), bare)) == ["shape", "parameters", "tokenizer"]
