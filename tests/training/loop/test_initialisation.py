"""Random weights that begin with silent blocks: what is 0, what is not touched, and what such a model computes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional

from gpt25.errors import ConfigurationError
from gpt25.model import GPTModel
from gpt25.runtime import generator_for
from gpt25.training import (
    InitialisationConfiguration,
    StartConfiguration,
    Trainer,
    TrainingConfiguration,
)

Change = Callable[..., TrainingConfiguration]
MakeTrainer = Callable[..., Trainer]
TrainUntil = Callable[..., None]
Weights = Callable[[Trainer], dict[str, torch.Tensor]]

PROJECTIONS = {
    f"transformer.hidden.{layer}.{part}.projection.weight"
    for layer in (0, 1)
    for part in ("attention", "multi_layer_perceptron")
}


@pytest.fixture
def silent(changed: Change) -> TrainingConfiguration:
    return changed(initialisation={"zero_residual_projections": True})


def test_only_the_projections_differ_from_the_weights_of_the_same_seed(
    trainer: MakeTrainer, weights: Weights, silent: TrainingConfiguration
) -> None:
    usual, zeroed = weights(trainer()), weights(trainer(silent))
    assert PROJECTIONS < usual.keys() == zeroed.keys()
    for name, value in usual.items():
        assert value.any() or name.endswith("bias"), name
        assert torch.equal(zeroed[name], torch.zeros_like(value) if name in PROJECTIONS else value), name


def test_without_the_option_the_weights_are_the_models_own(
    trainer: MakeTrainer, weights: Weights, configuration: TrainingConfiguration
) -> None:
    model = GPTModel(configuration.model, generator=generator_for(1337, "weights"))
    expected = dict(model.named_parameters())
    assert all(torch.equal(value, expected[name]) for name, value in weights(trainer()).items())


def test_silent_blocks_leave_the_embeddings_alone(trainer: MakeTrainer, silent: TrainingConfiguration) -> None:
    model = trainer(silent).model
    indices = torch.randint(0, 320, (2, 32), generator=torch.Generator().manual_seed(1))  # (batch, time)
    tokens = model.transformer.word_token_embeddings.weight
    stream = tokens[indices] + model.transformer.word_positional_embeddings.weight  # (batch, time, channels)
    expected = functional.layer_norm(stream, (32,)) @ tokens.T  # (batch, time, vocabulary)
    torch.testing.assert_close(model(indices), expected)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_the_first_update_moves_of_the_blocks_the_projections_alone(
    optimizer: str, trainer: MakeTrainer, changed: Change, weights: Weights, silent: TrainingConfiguration
) -> None:
    # Nothing decays here, and behind a projection of 0 no gradient comes through.
    settings = changed(silent, optimizer={"name": optimizer, "weight_decay": 0.0})
    trained = trainer(settings)
    before = weights(trained)
    trained.rehearse_update(0)
    after = weights(trained)
    matrices = {name for name in before if "hidden" in name and before[name].dim() == 2}
    assert {name for name in matrices if not torch.equal(before[name], after[name])} == PROJECTIONS
    trained.rehearse_update(1)
    assert all(not torch.equal(before[name], value) for name, value in weights(trained).items() if name in matrices)


def test_updates_of_nothing_stay_finite_with_everything_that_muon_can_do(
    trainer: MakeTrainer, changed: Change, silent: TrainingConfiguration
) -> None:
    # The first gradients of most matrices are 0: no direction, no length and no row to divide by.
    optimizer = {"muon_beta_2": 0.95, "cautious_weight_decay": True, "muon_weight_decay": 0.1}
    for precision in ("float32", "bfloat16"):
        trained = trainer(changed(silent, optimizer=optimizer, loop={"precision": precision}), run=precision)
        trained.train()
        assert all(value.isfinite().all() for value in trained.model.parameters())
        losses = [row["validation_loss"] for row in trained.run.metrics() if "validation_loss" in row]
        assert losses[-1] < losses[0] < 5.77  # ln 320
        assert trained.state.non_finite_updates == 0


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_it_learns_and_a_resumed_run_is_an_uninterrupted_one(
    optimizer: str,
    trainer: MakeTrainer,
    changed: Change,
    weights: Weights,
    silent: TrainingConfiguration,
    train_until: TrainUntil,
) -> None:
    settings = changed(silent, optimizer={"name": optimizer}, loop={"number_of_updates": 30})
    whole = trainer(settings, run="whole")
    before = whole.validation_loss.measure()
    whole.train()
    assert whole.validation_loss.measure() < before - 0.5
    train_until(settings, 20, abruptly=True)
    resumed = trainer(settings)
    resumed.train()
    expected = weights(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights(resumed).items())


def test_a_given_model_has_no_weights_to_draw() -> None:
    zero = InitialisationConfiguration(zero_residual_projections=True)
    with pytest.raises(ConfigurationError) as caught:
        TrainingConfiguration(initialisation=zero, start=StartConfiguration(model="gpt2"))
    assert str(caught.value) == (
        "initialisation.zero_residual_projections is True; it must be false where start.model is 'gpt2': only random "
        "weights begin so."
    )


def test_a_switch_is_true_or_false() -> None:
    wrong: Any = "yes"
    with pytest.raises(
        ConfigurationError, match=r"^initialisation.zero_residual_projections is 'yes'; it must be true"
    ):
        InitialisationConfiguration(zero_residual_projections=wrong)
