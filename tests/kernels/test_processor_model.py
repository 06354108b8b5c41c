"""Whole steps: against torch, and against themselves in other company."""

import copy
import random

import numpy as np
import pytest
import torch
from torch import Tensor

from gpt25.kernels.processor_model import ProcessorModel, ProcessorRunner
from gpt25.model import GPTModel, Int8Linear, ModelArrays, quantise_int8
from tests.kernels.conftest import random_model

ROWS = 40


def runner_of(model: GPTModel, *, workers: int = 1, slots: int = 8) -> ProcessorRunner:
    return ProcessorModel(ModelArrays.of(model), workers=workers).runner(
        slots=slots, capacity=model.configuration.block_size, most_rows=ROWS
    )


def logits_alone(model: GPTModel, tokens: list[int]) -> Tensor:
    """The logits (time, vocabulary) behind every token, one token a step."""
    runner = runner_of(model)
    steps = enumerate(tokens)
    rows = [runner.read([token], slots=[0], positions=[place], wanted=[0]).copy() for place, token in steps]
    return torch.from_numpy(np.concatenate(rows))


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"number_of_embedding_dimensions": 20, "number_of_heads": 2},
        {"number_of_embedding_dimensions": 36, "number_of_heads": 3, "vocabulary_size": 17},
        {"number_of_heads": 1, "number_of_layers": 1},
    ],
)
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_logits_are_those_of_torch(shape: dict[str, int], workers: int) -> None:
    model = random_model(**shape)
    tokens = torch.randint(0, model.configuration.vocabulary_size, (ROWS,), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = model(tokens[None])[0]  # (time, vocabulary)
    runner = runner_of(model, workers=workers)
    everything = range(ROWS)
    actual = runner.read(tokens.tolist(), slots=[2] * ROWS, positions=everything, wanted=everything)
    torch.testing.assert_close(torch.from_numpy(actual), expected, rtol=2e-5, atol=2e-5)


def test_matrices_that_lie_turned_in_memory_are_read_as_what_they_are(model: GPTModel) -> None:
    turned = copy.deepcopy(model)
    for module in turned.modules():
        if isinstance(module, torch.nn.Linear) and module.bias is not None:
            module.weight.data = module.weight.data.t().contiguous().t()  # as they come from a file of Hugging Face's
    tokens = list(range(20))
    assert torch.equal(logits_alone(turned, tokens), logits_alone(model, tokens))


def test_a_row_has_the_bits_that_it_has_alone(quantised_or_not: GPTModel) -> None:
    """Eight texts go on at random: several tokens at a time or one, beside others or not, with one to three threads."""
    chance = random.Random(3)
    texts = [[chance.randrange(301) for _ in range(chance.randrange(20, 60))] for _ in range(8)]
    expected = [logits_alone(quantised_or_not, text) for text in texts]
    for workers in (1, 2, 3):
        runner, read = runner_of(quantised_or_not, workers=workers), [0] * len(texts)
        while any(place < len(text) for place, text in zip(read, texts, strict=True)):
            rows = []
            for slot, text in enumerate(texts):
                count = min(len(text) - read[slot], chance.choice([0, 1, 1, 2, 5]))
                rows += [(text[place], slot, place) for place in range(read[slot], read[slot] + count)]
                read[slot] += count
            if not rows:
                continue
            tokens, slots, positions = zip(*rows, strict=True)
            logits = runner.read(tokens, slots=slots, positions=positions, wanted=range(len(rows)))
            for row, (_, slot, place) in zip(logits, rows, strict=True):
                assert np.array_equal(row, expected[slot][place])


def test_a_copied_beginning_goes_on_as_its_source(quantised_or_not: GPTModel) -> None:
    tokens = list(range(40, 60))
    expected = logits_alone(quantised_or_not, tokens)
    runner = runner_of(quantised_or_not)
    runner.read(tokens[:-1], slots=[1] * 19, positions=range(19), wanted=[])
    runner.copy(1, 6, 19)
    assert np.array_equal(runner.read(tokens[-1:], slots=[6], positions=[19], wanted=[0])[0], expected[-1])


def test_int8_is_nearly_the_function_of_the_rounded_weights(model: GPTModel) -> None:
    """Against torch in float64 on the rounded weights."""
    quantised = quantise_int8(copy.deepcopy(model))
    reference = copy.deepcopy(model)
    tokens = list(range(30))
    with torch.no_grad():
        for name, module in quantised.named_modules(remove_duplicate=False):
            if isinstance(module, Int8Linear) and "embeddings" not in name:
                exact = reference.get_submodule(name)
                exact.weight.copy_(module.quantised.float() * module.scales.float().unsqueeze(1))
                if module.bias is not None:
                    exact.bias.copy_(module.bias)
        for name, parameter in quantised.named_parameters():
            if "layer_norm" in name or "positional" in name:
                reference.get_parameter(name).copy_(parameter)
        expected = reference.double()(torch.tensor([tokens]))[0]
    actual = runner_of(quantised).read(tokens, slots=[0] * 30, positions=range(30), wanted=range(30))
    torch.testing.assert_close(
        torch.from_numpy(actual).double(), expected, rtol=0, atol=2e-3
    )  # float16's keys and values


@pytest.mark.parametrize("where", ["head", "layer"])
def test_weights_with_nan_give_logits_with_nan(quantised_or_not: GPTModel, where: str) -> None:
    broken = copy.deepcopy(quantised_or_not)
    with torch.no_grad():
        if where == "layer":
            broken.transformer.hidden[0].layer_norm_1.weight[3] = torch.nan
        else:
            broken.transformer.final_layer_norm.bias[3] = torch.nan
    logits = runner_of(broken).read([1, 2], slots=[0, 0], positions=[0, 1], wanted=[0, 1])
    assert np.isnan(logits).any(-1).all()
