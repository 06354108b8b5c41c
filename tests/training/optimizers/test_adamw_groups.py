"""Which parameter AdamW moves at which rate, against AdamW written out in float64."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.training import OptimizerConfiguration, Optimizers, Trainer, TrainingConfiguration
from gpt25.training.optimizers.adamw_groups import adamw_groups

SHAPE = GPTConfiguration(
    block_size=8, vocabulary_size=50, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=16
)
MULTIPLIERS = {
    "embedding_rate_multiplier": 0.25,
    "position_rate_multiplier": 3.0,
    "bias_rate_multiplier": 0.5,
    "gain_rate_multiplier": 2.0,
}
BLOCK = {  # of every parameter of a block what it is multiplied by and whether it decays
    "layer_norm_1.weight": (2.0, False),
    "layer_norm_1.bias": (0.5, False),
    "attention.query_key_value.weight": (1.0, True),
    "attention.query_key_value.bias": (0.5, False),
    "attention.projection.weight": (1.0, True),
    "attention.projection.bias": (0.5, False),
    "layer_norm_2.weight": (2.0, False),
    "layer_norm_2.bias": (0.5, False),
    "multi_layer_perceptron.expansion.weight": (1.0, True),
    "multi_layer_perceptron.expansion.bias": (0.5, False),
    "multi_layer_perceptron.projection.weight": (1.0, True),
    "multi_layer_perceptron.projection.bias": (0.5, False),
}
EXPECTED = {
    "transformer.word_token_embeddings.weight": (0.25, True),
    "transformer.word_positional_embeddings.weight": (3.0, True),
    **{f"transformer.hidden.{layer}.{name}": value for layer in (0, 1) for name, value in BLOCK.items()},
    "transformer.final_layer_norm.weight": (2.0, False),
    "transformer.final_layer_norm.bias": (0.5, False),
}
FACTORS = (0.5, 1.0, 0.25)

Change = Callable[..., TrainingConfiguration]
MakeTrainer = Callable[..., Trainer]
TrainUntil = Callable[..., None]


def a_model() -> GPTModel:
    return GPTModel(SHAPE, generator=torch.Generator().manual_seed(1))


def gradient(name: str, like: Tensor, step: int) -> Tensor:
    generator = torch.Generator().manual_seed(step * 1000 + sorted(EXPECTED).index(name))
    return torch.randn(like.shape, generator=generator)


def trained(**fields: object) -> tuple[GPTModel, Optimizers]:
    """A model after three updates with those fields of the optimizer, each at another part of the peak rate."""
    model = a_model()
    optimizers = Optimizers(model, OptimizerConfiguration(**fields))  # type: ignore[arg-type]
    for step, factor in enumerate(FACTORS):
        for name, parameter in model.named_parameters():
            parameter.grad = gradient(name, parameter, step)
        optimizers.step(learning_rate_factor=factor, progress=0.0)
    return model, optimizers


def by_hand(name: str, weights: Tensor, *, rate: float, multiplier: float, decays: bool) -> Tensor:
    """Loshchilov and Hutter 2019, algorithm 2, in float64: the decay goes with the rate."""
    value, mean, square = weights.detach().double(), 0.0, 0.0
    for step, factor in enumerate(FACTORS):
        now, new = rate * factor * multiplier, gradient(name, weights, step).double()
        mean, square = 0.8 * mean + 0.2 * new, 0.9 * square + 0.1 * new**2
        value = value * (1 - now * 0.5) if decays else value
        value = value - now * (mean / (1 - 0.8 ** (step + 1))) / ((square / (1 - 0.9 ** (step + 1))).sqrt() + 1e-6)
    return value


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_each_kind_of_parameter_moves_at_its_own_rate(name: str) -> None:
    settings = {"name": name, "peak_learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-6}
    model, _ = trained(**settings, weight_decay=0.5, **MULTIPLIERS)
    plain, _ = trained(**settings, weight_decay=0.5)
    assert {parameter for parameter, _ in model.named_parameters()} == EXPECTED.keys()
    for parameter, before in a_model().named_parameters():
        multiplier, decays = EXPECTED[parameter]
        found = model.get_parameter(parameter).detach()
        if name == "muon" and multiplier == 1.0:  # a hidden matrix, which is none of AdamW's
            assert torch.equal(found, plain.get_parameter(parameter))
            continue
        expected = by_hand(parameter, before, rate=0.01, multiplier=multiplier, decays=decays)
        torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-6, msg=parameter)
        if multiplier != 1.0:
            assert not torch.allclose(found, plain.get_parameter(parameter), rtol=1e-3, atol=1e-4), parameter


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_multipliers_of_one_leave_the_two_groups_that_there_were(name: str) -> None:
    model, optimizers = trained(name=name, weight_decay=0.5)
    reference = a_model()
    moved = [(path, value) for path, value in reference.named_parameters() if name == "adamw" or not is_hidden(path)]
    decayed = [value for path, value in moved if EXPECTED[path][1]]
    free = [value for path, value in moved if not EXPECTED[path][1]]
    torchs = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.5}, {"params": free, "weight_decay": 0.0}],
        betas=(0.9, 0.95),
        eps=1e-8,
        fused=True,
    )
    for step, factor in enumerate(FACTORS):
        for path, parameter in moved:
            parameter.grad = gradient(path, parameter, step)
        for group in torchs.param_groups:
            group["lr"] = 6e-4 * factor
        torchs.step()
    for path, parameter in moved:
        assert torch.equal(parameter, model.get_parameter(path)), path
    groups = optimizers._each()[0].param_groups
    assert [len(group["params"]) for group in groups] == [len(decayed), len(free)]
    assert optimizers.state().keys() == trained(name=name, **MULTIPLIERS)[1].state().keys()


def is_hidden(path: str) -> bool:
    return ".hidden." in path and EXPECTED[path][1]


def test_no_group_is_empty() -> None:
    parameters = dict(a_model().named_parameters())
    biases = {name: value for name, value in parameters.items() if name.endswith("bias")}
    groups = adamw_groups(biases, OptimizerConfiguration(bias_rate_multiplier=0.5))
    assert [(len(group["params"]), group["weight_decay"], group["rate_multiplier"]) for group in groups] == [
        (len(biases), 0.0, 0.5)
    ]


def test_a_multiplier_of_zero_leaves_the_weights_as_they_are() -> None:
    model, _ = trained(embedding_rate_multiplier=0.0, bias_rate_multiplier=0.0, weight_decay=0.5)
    for name, before in a_model().named_parameters():
        stays = name.endswith("bias") or "token_embeddings" in name
        assert torch.equal(before, model.get_parameter(name)) == stays, name


def test_the_record_has_the_base_rate_and_a_resumed_run_is_an_uninterrupted_one(
    trainer: MakeTrainer, changed: Change, train_until: TrainUntil
) -> None:
    settings = changed(optimizer=MULTIPLIERS)
    whole, usual = trainer(settings, run="whole"), trainer(run="usual")
    whole.train()
    usual.train()
    rates = [row["learning_rate"] for row in whole.run.metrics()]
    assert rates == [row["learning_rate"] for row in usual.run.metrics()]
    assert math.isclose(max(rates), 5e-3)
    train_until(settings, 5, abruptly=True)
    resumed = trainer(settings)
    resumed.train()
    for (name, value), other in zip(whole.model.named_parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(value, other), name
    assert any(
        not torch.equal(value, other)
        for value, other in zip(whole.model.parameters(), usual.model.parameters(), strict=True)
    )
