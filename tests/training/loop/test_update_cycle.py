"""Reading figures one update late changes no figure and no weight, and asks the device for nothing meanwhile."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gpt25.errors import Interrupted, TrainingError
from gpt25.training import OptimizerConfiguration, Optimizers, Trainer, TrainingConfiguration, TrainingHooks
from gpt25.training.loop.stop_signals import StopSignals

Change = Callable[..., TrainingConfiguration]
MakeTrainer = Callable[..., Trainer]
Weights = Callable[[Trainer], dict[str, torch.Tensor]]
LATE = {"read_late": True, "prefetch": True}
FIGURES = ("update", "tokens", "training_loss", "validation_loss", "learning_rate", "gradient_norm")


def figures(trainer: Trainer) -> list[dict[str, Any]]:
    return [{name: row[name] for name in FIGURES if name in row} for row in trainer.run.metrics()]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("clip", [None, 1e3, 0.5])
def test_late_figures_are_the_same_figures(
    optimizer: str, clip: float | None, trainer: MakeTrainer, changed: Change, weights: Weights
) -> None:
    settings = changed(optimizer={"name": optimizer, "clip_gradient_norm": clip})
    prompt, late = trainer(settings, run="prompt"), trainer(changed(settings, speed=LATE), run="late")
    prompt.train()
    late.train()
    exact = clip != 0.5  # where gradients are shortened, the device divides in float32, the host in float64
    for row, expected in zip(figures(late), figures(prompt), strict=True):
        assert row == (expected if exact else pytest.approx(expected, rel=1e-5))
    for name, value in weights(late).items():
        torch.testing.assert_close(value, weights(prompt)[name], rtol=0 if exact else 1e-4, atol=0 if exact else 1e-6)
    assert [row["tokens_per_second"] > 0 for row in late.run.metrics()] == [True] * 8


def poison(trainer: Trainer, updates: set[int], what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make loss or gradient of some updates, counted from 1, not finite: by their order, since `state` lags behind."""
    forward, count = trainer.loss_module.forward, iter(range(1, 1000))

    def poisoned(indices: torch.Tensor, labels: torch.Tensor, parts: int | None = None) -> torch.Tensor:
        loss = forward(indices, labels, parts)
        if not torch.is_grad_enabled() or next(count) not in updates:
            return loss
        if what == "loss":
            return loss * float("nan")
        loss.register_hook(lambda gradient: gradient * float("inf"))
        return loss

    monkeypatch.setattr(trainer.loss_module, "forward", poisoned)


@pytest.mark.parametrize("what", ["loss", "gradient"])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_the_device_skips_what_the_host_would(
    what: str,
    optimizer: str,
    trainer: MakeTrainer,
    changed: Change,
    weights: Weights,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = changed(optimizer={"name": optimizer, "clip_gradient_norm": 1e3})
    said: dict[str, list[str]] = {"prompt": [], "late": []}
    runs = {}
    for name, speed in (("prompt", {}), ("late", LATE)):
        hooks = TrainingHooks(on_message=said[name].append)
        runs[name] = trainer(changed(settings, speed=speed), run=name, hooks=hooks)
        poison(runs[name], {3, 4, 7}, what, monkeypatch)
        runs[name].train()
    late, prompt = runs["late"], runs["prompt"]
    assert said["late"] == said["prompt"]
    assert len(said["late"]) == 3
    assert figures(late) == figures(prompt)
    assert late.state.non_finite_updates == prompt.state.non_finite_updates == 3
    assert [record.update for record in late.run.checkpoints()] == [
        record.update for record in prompt.run.checkpoints()
    ]
    for name, value in weights(late).items():
        assert torch.equal(value, weights(prompt)[name]), name
    states = [run.gradient_update.optimizers.state() for run in (late, prompt)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_too_many_in_a_row_stop_a_late_run_at_the_same_update(
    trainer: MakeTrainer, changed: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = trainer(changed(speed=LATE, loop={"non_finite_updates_allowed": 2}))
    poison(trained, set(range(4, 99)), "loss", monkeypatch)
    with pytest.raises(
        TrainingError, match="update 6: loss nan, gradient norm nan; 3 updates in a row were not finite"
    ):
        trained.train()
    assert [record.update for record in trained.run.checkpoints()] == [3]


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_a_skipped_step_changes_nothing_and_another_one_what_it_always_did(
    skip: bool, name: Any, trainer: MakeTrainer, changed: Change
) -> None:
    trained = [trainer(changed(optimizer={"name": name}), run=f"run-{number}") for number in (0, 1)]
    for number, each in enumerate(trained):
        optimizers: Optimizers = each.gradient_update.optimizers
        assert isinstance(each.configuration.optimizer, OptimizerConfiguration)
        for progress in (0.0, 0.5):
            each.gradient_update.accumulate(3)
            decided = torch.tensor(skip and progress > 0)
            if number or not decided:
                optimizers.step(learning_rate_factor=1.0, progress=progress, skip=decided if number else None)
            optimizers.zero_gradients()
    for one, other in zip(*(each.model.parameters() for each in trained), strict=True):
        assert torch.equal(one, other)
    states = [each.gradient_update.optimizers.state() for each in trained]
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())


class Readings(TorchDispatchMode):
    """Counts the operations that make the host wait for a number from the device."""

    count = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += function.overloadpacket in (
            torch.ops.aten._local_scalar_dense,
            torch.ops.aten.is_nonzero,
            torch.ops.aten.equal,
            torch.ops.aten.nonzero,
        )
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_an_update_that_is_read_late_asks_for_no_number(optimizer: str, trainer: MakeTrainer, changed: Change) -> None:
    counts = {}
    for late in (False, True):
        settings = changed(optimizer={"name": optimizer, "clip_gradient_norm": 0.5}, speed={"read_late": late})
        cycle = trainer(settings, run=f"run-{late}")._cycle
        with StopSignals() as signals, Readings() as readings:
            flight = cycle._begin(0, signals)
            if not late:
                flight.read()
                assert readings.count == 0  # `tolist` reads memory without an operation
                cycle.rehearse(1)
        counts[late] = readings.count
    assert counts == {False: 1, True: 0}  # the norm, by which the host decides to shorten


def test_a_signal_is_answered_once_the_update_that_is_ahead_is_done(
    trainer: MakeTrainer, changed: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = changed(speed=LATE, loop={"checkpoint_interval_in_updates": 100, "validation_interval_in_updates": 100})
    settings = changed(settings, loop={"samples_interval_in_updates": 100})
    trained = trainer(settings)
    accumulate = trained.gradient_update.accumulate

    def interrupted(update: int) -> Any:
        if update == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return accumulate(update)

    monkeypatch.setattr(trained.gradient_update, "accumulate", interrupted)
    with pytest.raises(Interrupted, match="stopped by SIGTERM after update 4; saved in"):
        trained.train()
    assert [row["update"] for row in trained.run.metrics()] == [1, 2, 3, 4]
    assert [record.update for record in trained.run.checkpoints()] == [4]
    monkeypatch.undo()
    resumed, uninterrupted = trainer(settings), trainer(settings, run="uninterrupted")
    resumed.train()
    uninterrupted.train()
    assert figures(resumed) == figures(uninterrupted)


@pytest.fixture
def cuda() -> Iterator[torch.device]:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU here: what the device is never asked for is counted on the processor above")
    yield torch.device("cuda")
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.filterwarnings(
    "ignore:Synchronization debug mode is a prototype feature",
    "ignore:.torch.jit.script_method. is deprecated:DeprecationWarning",
)
def test_on_a_gpu_torch_itself_sees_no_synchronisation(
    cuda: torch.device, trainer: MakeTrainer, changed: Change
) -> None:
    settings = changed(loop={"device": str(cuda), "precision": "bfloat16"})
    trained = trainer(settings)
    with StopSignals() as signals:
        trained._cycle.run(0, signals, may_go_ahead=False)  # compiles, and makes what is made once
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("error")
        flights = [trained._cycle._begin(update, signals) for update in (1, 2, 3)]
    torch.cuda.set_sync_debug_mode("default")
    assert all(total > 0 for total, _, _ in (flight.read() for flight in flights))
