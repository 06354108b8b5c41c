"""Scenarios with sharded parameters: `python sharded_parameters.py RECIPE DIRECTORY`, read by test_sharding.py."""

import dataclasses
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from several_processes import Scenarios, before_update, nothing, train

from gpt25.model import GPTModel
from gpt25.recipes import load_recipe
from gpt25.runtime import Ranks
from gpt25.training import Trainer, TrainingHooks
from gpt25.training.sharding import is_sharded


def watched(trainer: Trainer, ranks: Ranks) -> None:
    """Let hooks use the model as samples and scores do, each rank alone; say what they found and what was written."""
    ids = torch.arange(16).view(2, 8)

    def on_samples(model: GPTModel, update: int, tokens: int) -> None:
        with torch.no_grad():
            trainer.hooks.on_message(f"sample {model(ids, ids + 1)[1]:.5f}")

    def on_metrics(model: GPTModel, update: int) -> dict[str, float]:
        if update % 4:
            return {}
        with torch.no_grad():
            return {
                "of_the_hook": float(
                    sum(model(ids[:1], ids[:1] + 1)[1] for _ in range(1 + ranks.rank)) / (1 + ranks.rank)
                )
            }

    def on_event(event: str, arguments: tuple[Any, ...]) -> None:
        is_writing = event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree")
        is_writing = is_writing or (event == "open" and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)))
        if is_writing and str(trainer.run.path) in str(arguments[0]):
            trainer.hooks.on_message(f"wrote {arguments[0]}")

    sys.addaudithook(on_event)
    hooks = TrainingHooks(on_message=trainer.hooks.on_message, on_samples=on_samples, on_metrics=on_metrics)
    trainer.hooks = hooks
    largest = (
        max(parameter.to_local().numel() for parameter in trainer.model.parameters())
        if is_sharded(trainer.model)
        else 0
    )
    if largest:
        hooks.on_message(f"largest shard {largest}")


def stopped(trainer: Trainer, ranks: Ranks) -> None:
    """The last rank receives a signal in the fourth update."""
    watched(trainer, ranks)
    if ranks.rank == ranks.number_of_ranks - 1:
        before_update(trainer, 4, lambda: os.kill(os.getpid(), signal.SIGINT))


def all_scenarios(scenarios: Scenarios) -> None:
    """One rank, two unsharded, two sharded, and both ways from one to the other."""
    train(scenarios.changed(loop={"number_of_updates": 2}), scenarios.directory / "warm-up", Ranks(), nothing)
    sharded = scenarios.changed(loop={"shard_parameters": True})
    late = scenarios.changed(loop={"shard_parameters": True}, speed={"read_late": True})
    averaging = {"average_last_fraction": 0.75, "checkpoint_interval_in_updates": 4, "keep_plateau_checkpoint": False}
    scenarios.ranks("average", 1, configuration=scenarios.changed(loop=averaging))
    average = scenarios.changed(loop={**averaging, "shard_parameters": True})
    scenarios.ranks("average-sharded", 2, prepare=stopped, configuration=average)
    scenarios.ranks("average-fewer", 1, run="average-sharded", configuration=scenarios.changed(loop=averaging))
    scenarios.ranks("average-full", 2, configuration=average)
    scenarios.ranks("one", 1, prepare=watched)
    scenarios.ranks("two", 2, prepare=watched)
    scenarios.ranks("sharded", 2, prepare=watched, configuration=sharded)
    scenarios.ranks("late", 2, prepare=watched, configuration=late)
    scenarios.ranks("fewer", 2, prepare=stopped, configuration=sharded)
    scenarios.ranks("fewer-on", 1, prepare=watched, run="fewer")
    scenarios.ranks("more", 1, prepare=stopped)
    scenarios.ranks("more-on", 2, prepare=watched, run="more", configuration=sharded)


if __name__ == "__main__":
    torch.set_num_threads(1)
    recipe = load_recipe(sys.argv[1])
    optimizer = dataclasses.replace(recipe.optimizer, name="adamw", peak_learning_rate=1e-3, epsilon=1e-6)
    all_scenarios(Scenarios(dataclasses.replace(recipe, optimizer=optimizer), Path(sys.argv[2])))
