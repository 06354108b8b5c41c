"""Whether a model is really what OpenAI released, fact by published fact."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from gpt25.counted import counted
from gpt25.generation import TextGenerator
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.references.published_weights import PublishedContinuation, PublishedWeights
from gpt25.tokenizer import Tokenizer

_HALF_OF_THE_LAST_DECIMAL = 0.5e-4
_ROUNDING = 1e-6  # what float32 may lose on values below 1, generously
_SPARE_TOKENS = 2  # where the model cut the same text into more tokens than the tokenizer does


@dataclass(frozen=True)
class ReferenceCheck:
    """One fact, and whether the model agrees with it."""

    name: str
    expected: str
    found: str
    passed: bool
    source: str


def number_of_reference_checks(facts: PublishedWeights) -> int:
    """How many checks `reference_checks` will yield."""
    return 3 + bool(facts.first_position_values) + len(_replayable(facts))


def reference_checks(
    model: GPTModel, tokenizer: Tokenizer | None, facts: PublishedWeights, configuration: GPTConfiguration
) -> Iterator[ReferenceCheck]:
    """Compare a model with what was published of it, the quick facts first.

    model: in float32, for that is how the continuations were written. tokenizer: None takes GPT-2's own.
    configuration: the published shape. Continuations whose source changed the choice by other means are left out.
    """
    yield _shape_check(model.configuration, configuration)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    yield _equal("parameters", f"{facts.parameters:,}", f"{parameters:,}", "the shape's arithmetic")
    tokenizer = Tokenizer.gpt2() if tokenizer is None else tokenizer
    ours = Tokenizer.gpt2()
    yield ReferenceCheck(
        "tokenizer",
        ours.name,
        tokenizer.name,
        tokenizer.fingerprint == ours.fingerprint,
        "openai/gpt-2: encoder.json, vocab.bpe",
    )
    if facts.first_position_values:
        yield _positions_check(model, facts)
    for continuation in _replayable(facts):
        yield _continuation_check(model, tokenizer, continuation)


def _replayable(facts: PublishedWeights) -> list[PublishedContinuation]:
    return [continuation for continuation in facts.continuations if continuation.conditions is None]


def _equal(name: str, expected: str, found: str, source: str) -> ReferenceCheck:
    return ReferenceCheck(name, expected, found, expected == found, source)


def _shape_check(found: GPTConfiguration, expected: GPTConfiguration) -> ReferenceCheck:
    """The sizes that make the architecture; dropout is no part of the weights."""

    def in_words(shape: GPTConfiguration) -> str:
        return (
            f"{counted(shape.number_of_layers, 'layers')}, {counted(shape.number_of_heads, 'heads')}, "
            f"{shape.number_of_embedding_dimensions} channels, block {shape.block_size}, "
            f"vocabulary {shape.vocabulary_size}, epsilon {shape.layer_norm_epsilon:g}"
        )

    return _equal("shape", in_words(expected), in_words(found), "openai/gpt-2: hparams.json, src/model.py")


def _positions_check(model: GPTModel, facts: PublishedWeights) -> ReferenceCheck:
    """The first values of the positional embeddings, to the four decimals that were published."""
    weight = model.transformer.word_positional_embeddings.weight
    expected = torch.tensor(facts.first_position_values, dtype=torch.float64)  # (count)
    found = weight.detach().flatten()[: len(expected)].double().cpu()  # (count), fewer in a very small model
    worst = (found - expected[: len(found)]).abs().max().item()
    agree = len(found) == len(expected) and worst <= _HALF_OF_THE_LAST_DECIMAL + _ROUNDING
    place = int((found - expected[: len(found)]).abs().argmax())
    first = ", ".join(f"{value:.4f}" for value in facts.first_position_values[:3])
    difference = f"value {place + 1} is {found[place]:.4f} instead of {expected[place]:.4f}"
    return ReferenceCheck(
        f"first {len(expected)} of wpe",
        f"{first}, … to four decimals",
        "the same" if agree else difference,
        agree,
        facts.first_position_values_source,
    )


def _continuation_check(model: GPTModel, tokenizer: Tokenizer, published: PublishedContinuation) -> ReferenceCheck:
    """Greedy decoding of the prompt, token by token where tokens were published, else by the text."""
    expected_ids = published.token_ids or tokenizer.encode(published.text)
    length = len(expected_ids) + (_SPARE_TOKENS if published.token_ids is None else 0)
    prompt = tokenizer.encode(published.prompt)
    room = model.configuration.block_size - len(prompt)
    name = f"after {published.prompt!r}"
    expected = repr(published.text)
    if room < len(expected_ids) or tokenizer.vocabulary_size > model.configuration.vocabulary_size:
        return ReferenceCheck(name, expected, "nothing: the text does not fit this model", False, published.source)
    (sample,) = TextGenerator(model, tokenizer).generate(
        prompt, samples=1, max_new_tokens=min(length, room), temperature=0
    )
    if published.token_ids is None:
        agree = sample.text.startswith(published.text)
    else:
        agree = sample.token_ids == published.token_ids
    return ReferenceCheck(name, expected, "the same" if agree else repr(sample.text), agree, published.source)
