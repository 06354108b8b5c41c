"""The mean of the last updates' weights: against sums in float64, chosen by validation, resumed bit for bit."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from gpt25.errors import ConfigurationError, CorruptFileError
from gpt25.storage import write_manifest
from gpt25.training import LoopConfiguration, Trainer, TrainingConfiguration, TrainingHooks
from gpt25.training.checkpoints.checkpoint import AVERAGE_NAME
from gpt25.training.optimizers.weight_average import WeightAverage
from gpt25.weights import load_pretrained

Change = Callable[..., TrainingConfiguration]
MakeTrainer = Callable[..., Trainer]
TrainUntil = Callable[..., None]
Weights = Callable[[Trainer], dict[str, torch.Tensor]]
LATE = {"read_late": True, "prefetch": True}


def logged(trainer: Trainer) -> list[dict[str, Any]]:
    times = ("tokens_per_second", "elapsed_seconds")
    return [{name: value for name, value in row.items() if name not in times} for row in trainer.run.metrics()]


def remembering(trainer: Trainer, weights: Weights) -> list[dict[str, torch.Tensor]]:
    """The weights after every step of the optimizers, in float64."""
    step, seen = trainer.gradient_update.optimizers.step, []

    def watched(**options: Any) -> None:
        step(**options)
        seen.append({name: value.double() for name, value in weights(trainer).items()})

    trainer.gradient_update.optimizers.step = watched  # type: ignore[method-assign]
    return seen


def mean_of(seen: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    return {name: torch.stack([each[name] for each in seen]).mean(0) for name in seen[0]}


def held(trainer: Trainer) -> dict[str, torch.Tensor]:
    """What the average holds beside the model."""
    assert trainer.gradient_update.average is not None
    return {name: tensor.clone() for name, tensor in trainer.gradient_update.average.state().items()}


def fixing(trainer: Trainer, losses: list[float]) -> Trainer:
    values = iter(losses)
    trainer.validation_loss.measure = lambda: next(values)  # type: ignore[method-assign]
    return trainer


@pytest.mark.parametrize(("fraction", "updates"), [(0.5, 4), (0.01, 1), (0.44, 4), (1.0, 8)])
@pytest.mark.parametrize("speed", [{}, LATE])
def test_it_is_the_mean_of_the_weights_after_each_of_the_last_updates(
    fraction: float, updates: int, speed: dict[str, bool], trainer: MakeTrainer, changed: Change, weights: Weights
) -> None:
    trained = fixing(trainer(changed(loop={"average_last_fraction": fraction}, speed=speed)), [5.0, 4.0, 3.9])
    seen = remembering(trained, weights)
    trained.train()
    expected = mean_of(seen[-updates:])
    for name, value in weights(trained).items():
        torch.testing.assert_close(value.double(), expected[name], rtol=0, atol=2e-7)
    # What was the model's before lies beside it.
    assert all(torch.equal(held(trained)[name].double(), value) for name, value in seen[-1].items())
    assert int(held(trained)["averaged_updates"]) == updates


def test_training_itself_is_the_same_with_an_average(trainer: MakeTrainer, changed: Change, weights: Weights) -> None:
    plain = trainer(run="plain")
    plain.train()
    averaging = fixing(trainer(changed(loop={"average_last_fraction": 0.5})), [5.0, 4.0, 4.1])
    averaging.train()
    names = ("training_loss", "gradient_norm", "learning_rate", "tokens")
    assert [[row[name] for name in names] for row in logged(averaging)] == [
        [row[name] for name in names] for row in logged(plain)
    ]
    assert all(torch.equal(value, weights(plain)[name]) for name, value in weights(averaging).items())
    assert not any(row.keys() & {"validation_loss_of_average"} for row in logged(plain))
    assert plain.gradient_update.average is None
    assert not list(plain.run.path.rglob(AVERAGE_NAME))


@pytest.mark.parametrize(("average", "kept"), [(3.9, "mean"), (4.0, "last weights"), (4.1, "last weights")])
def test_the_lower_validation_loss_stays_and_is_named(
    average: float, kept: str, trainer: MakeTrainer, changed: Change, weights: Weights, messages: list[str]
) -> None:
    sampled: list[dict[str, torch.Tensor]] = []
    scored: list[dict[str, torch.Tensor]] = []

    def figures(model: Any, update: int) -> dict[str, float]:
        scored.append({name: value.detach().clone() for name, value in model.named_parameters()})
        return {}

    def samples(model: Any, update: int, tokens: int) -> None:
        sampled.append({name: value.detach().clone() for name, value in model.named_parameters()})

    hooks = TrainingHooks(on_message=messages.append, on_samples=samples, on_metrics=figures)
    trained = fixing(trainer(changed(loop={"average_last_fraction": 0.5}), hooks=hooks), [5.0, 4.0, average])
    seen = remembering(trained, weights)
    state = trained.train()
    assert messages == [
        f"validation loss 4.0000 with the last weights, {average:.4f} with the mean of those after the last 4 updates: "
        f"the run keeps the {kept}"
    ]
    expected = mean_of(seen[4:]) if kept == "mean" else seen[-1]
    saved, _ = load_pretrained(trained.run.checkpoint_path(8))
    for model in (dict(saved.named_parameters()), sampled[-1], scored[-1], weights(trained)):
        for name, value in model.items():
            torch.testing.assert_close(value.detach().double(), expected[name], rtol=0, atol=2e-7)
    losses = {
        "validation_loss": min(average, 4.0),
        "validation_loss_of_last_weights": 4.0,
        "validation_loss_of_average": average,
    }
    assert {name: trained.run.metrics()[-1][name] for name in losses} == losses
    assert {name: state.metrics[name] for name in losses} == losses
    assert trained.run.checkpoints()[-1].validation_loss == min(average, 4.0)
    assert not (trained.run.checkpoint_path(8) / AVERAGE_NAME).exists()
    again = trainer(changed(loop={"average_last_fraction": 0.5}))
    assert again.train().metrics == state.metrics  # a finished run stays as it is
    assert all(torch.equal(value, weights(trained)[name]) for name, value in weights(again).items())


def test_both_losses_are_measured_with_the_weights_that_they_name(trainer: MakeTrainer, changed: Change) -> None:
    trained = trainer(changed(loop={"average_last_fraction": 0.5, "number_of_updates": 40}))
    trained.train()
    row = trained.run.metrics()[-1]
    names = ("validation_loss_of_last_weights", "validation_loss_of_average")
    kept, other = sorted(row[name] for name in names)
    assert row["validation_loss"] == kept == trained.validation_loss.measure()
    assert trained.gradient_update.average is not None
    trained.gradient_update.average.swap()
    assert trained.validation_loss.measure() == other > kept


@pytest.mark.parametrize("stop", [1, 4, 6, 8])
@pytest.mark.parametrize("speed", [{}, LATE])
def test_resumed_is_uninterrupted_bit_for_bit(
    stop: int,
    speed: dict[str, bool],
    trainer: MakeTrainer,
    changed: Change,
    weights: Weights,
    train_until: TrainUntil,
) -> None:
    settings = changed(
        loop={"average_last_fraction": 0.5, "checkpoint_interval_in_updates": 100, "number_of_updates": 12},
        batch={"smaller_updates": ((0.25, 64),)},
        speed=speed,
    )
    uninterrupted = trainer(settings, run="uninterrupted")
    uninterrupted.train()
    train_until(settings, stop)
    checkpoint = trainer(settings).run.checkpoints()[-1]
    assert stop < checkpoint.update < 12
    # Updates 7 to 12 are averaged: a checkpoint from before has nothing.
    assert (checkpoint.path / AVERAGE_NAME).exists() == (checkpoint.update > 6)
    resumed = trainer(settings)
    resumed.train()
    assert logged(resumed) == logged(uninterrupted)
    assert all(torch.equal(value, weights(uninterrupted)[name]) for name, value in weights(resumed).items())
    assert all(torch.equal(value, held(uninterrupted)[name]) for name, value in held(resumed).items())


def test_a_skipped_update_counts_with_the_weights_that_it_left(
    trainer: MakeTrainer, changed: Change, weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    for name, speed in (("prompt", {}), ("late", LATE)):
        settings = changed(loop={"average_last_fraction": 0.5}, optimizer={"clip_gradient_norm": None}, speed=speed)
        trained = fixing(trainer(settings, run=name), [5.0, 4.0, 3.9])
        seen, forward, count = remembering(trained, weights), trained.loss_module.forward, iter(range(1, 100))

        def poisoned(*inputs: torch.Tensor, forward: Any = forward, count: Any = count, **options: Any) -> torch.Tensor:
            return forward(*inputs, **options) * (float("nan") if next(count) == 6 else 1.0)

        monkeypatch.setattr(trained.loss_module, "forward", poisoned)
        assert trained.train().non_finite_updates == 1
        after = {5: seen[4], 6: seen[4], 7: seen[-2], 8: seen[-1]}
        expected = mean_of(list(after.values()))
        found[name] = weights(trained)
        for key, value in found[name].items():
            torch.testing.assert_close(value.double(), expected[key], rtol=0, atol=2e-7)
    assert all(torch.equal(value, found["late"][name]) for name, value in found["prompt"].items())


def test_an_average_that_is_not_this_runs_is_refused(trainer: MakeTrainer, changed: Change) -> None:
    settings = changed(loop={"average_last_fraction": 0.5, "checkpoint_interval_in_updates": 6})

    def fail(row: dict[str, Any]) -> None:
        if row["update"] == 7:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trainer(settings, hooks=TrainingHooks(on_update=fail)).train()
    path = trainer().run.checkpoint_path(6)
    with pytest.raises(CorruptFileError, match=r"is of 2 updates; this configuration averages 4 of the 6 that were"):
        trainer(changed(settings, loop={"average_last_fraction": 0.75})).train()
    tensors = load_file(path / AVERAGE_NAME)
    tensors.popitem()
    save_file(tensors, path / AVERAGE_NAME)
    write_manifest(path)
    with pytest.raises(CorruptFileError, match="the average of the weights is of another model: names or shapes"):
        trainer(settings).train()
    (path / AVERAGE_NAME).unlink()
    write_manifest(path)
    with pytest.raises(CorruptFileError, match=r"average.safetensors cannot be read"):
        trainer(settings).train()


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_a_fraction_that_is_none_is_refused(fraction: float) -> None:
    with pytest.raises(
        ConfigurationError, match=r"loop.average_last_fraction is .*; it must be a fraction from 0 to 1"
    ):
        LoopConfiguration(average_last_fraction=fraction)


def test_the_copy_is_there_from_the_beginning(trainer: MakeTrainer) -> None:
    model = trainer().model
    average = WeightAverage(model, last_fraction=0.1, number_of_updates=100)
    own = [tensor for name, tensor in average.state().items() if name != "averaged_updates"]
    assert sum(tensor.numel() for tensor in own) == sum(parameter.numel() for parameter in model.parameters())
    assert {tensor.dtype for tensor in own} == {torch.float32}
    assert (average.first_update, average.updates) == (90, 0)
