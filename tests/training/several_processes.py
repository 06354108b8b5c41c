"""Scenarios with several processes, all forked from one interpreter that has torch loaded once.

`python several_processes.py RECIPE DIRECTORY` trains in DIRECTORY and leaves a JSON file there for every scenario: what
each process saw and how it ended. test_several_processes.py reads them.
"""

import dataclasses
import errno
import json
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from gpt25.data import open_shards
from gpt25.errors import GPT25Error, Interrupted
from gpt25.recipes import load_recipe
from gpt25.records import RunDirectory
from gpt25.runtime import Ranks
from gpt25.tokenizer import Tokenizer
from gpt25.training import Trainer, TrainingConfiguration, TrainingHooks
from gpt25.training.checkpoints import checkpoint_manager

LIMIT_SECONDS = 60.0
KILLS = 6
CPU = torch.device("cpu")
Prepare = Callable[[Trainer, Ranks], None]


def nothing(trainer: Trainer, ranks: Ranks) -> None:
    """Let the trainer be."""


def before_update(trainer: Trainer, update: int, act: Callable[[], None]) -> None:
    """Call `act` when the trainer fetches the rows of an update, counted from 1."""
    fetch = trainer.batches.for_update

    def watched(number: int, **options: Any) -> Any:
        if number + 1 == update:
            act()
        return fetch(number, **options)

    trainer.batches.for_update = watched  # type: ignore[method-assign]


def train(configuration: TrainingConfiguration, run: Path, ranks: Ranks, prepare: Prepare) -> dict[str, Any]:
    """Train as one rank; returns what it read, said and how it ended."""
    messages: list[str] = []
    rows: dict[int, list[Any]] = {}
    folder = configuration.data.directory
    trainer = Trainer(
        configuration,
        run=RunDirectory(run),
        train_shards=open_shards(folder, "train"),
        validation_shards=open_shards(folder, "validation"),
        tokenizer=Tokenizer.from_word(Path(folder)),
        ranks=ranks,
        hooks=TrainingHooks(on_message=messages.append),
    )
    fetch = trainer.batches.for_update

    def remembering(number: int, **options: Any) -> Any:
        for inputs, labels in fetch(number, **options):
            rows.setdefault(number + 1, []).extend(inputs.tolist())
            yield inputs, labels

    trainer.batches.for_update = remembering  # type: ignore[method-assign]
    prepare(trainer, ranks)
    ended = {"error": None, "message": ""}
    try:
        trainer.train()
    except (GPT25Error, Interrupted) as problem:
        ended = {"error": type(problem).__name__, "message": str(problem)}
    return {**ended, "update": trainer.state.update, "messages": messages, "rows": rows}


def fork(work: Callable[[], Any], answer: Path) -> int:
    """Run `work` in a child, which writes the answer as JSON; returns the child's id."""
    process = os.fork()
    if process:
        return process
    try:
        answer.write_text(json.dumps(work()))
    except BaseException as problem:  # an unexpected end must not run the parent's code twice
        answer.write_text(json.dumps({"error": type(problem).__name__, "message": repr(problem)}))
    os._exit(0)


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


class Scenarios:
    """Each method leaves NAME.json with one entry for every process."""

    def __init__(self, configuration: TrainingConfiguration, directory: Path) -> None:
        self.configuration = configuration
        self.directory = directory

    def changed(self, **sections: dict[str, Any]) -> TrainingConfiguration:
        replaced = {name: dataclasses.replace(getattr(self.configuration, name), **to) for name, to in sections.items()}
        return dataclasses.replace(self.configuration, **replaced)

    def ranks(
        self,
        name: str,
        number: int,
        *,
        prepare: Prepare = nothing,
        run: str | None = None,
        configuration: TrainingConfiguration | None = None,
    ) -> None:
        """Train with so many ranks, and write down what became of each."""
        settings, port = configuration or self.configuration, free_port()

        def work(rank: int) -> dict[str, Any]:
            os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
            ranks = Ranks(rank, number, rank)
            ranks.connect(CPU, timeout_seconds=settings.loop.timeout_seconds)
            return train(settings, self.directory / (run or name), ranks, prepare)

        start = time.monotonic()
        answers = [self.directory / f"{name}-{rank}.json" for rank in range(number)]
        processes = {fork(lambda rank=rank: work(rank), answers[rank]): rank for rank in range(number)}
        seconds: dict[int, float] = {}
        while processes and time.monotonic() - start < LIMIT_SECONDS:
            for process in list(processes):
                if os.waitpid(process, os.WNOHANG)[0]:
                    seconds[processes.pop(process)] = time.monotonic() - start
            # A rank that hangs on purpose is not waited for once the others have ended.
            if processes and seconds and time.monotonic() - start > max(seconds.values()) + 1:
                break
            time.sleep(0.02)
        for process in processes:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        ends = [json.loads(answer.read_text()) if answer.exists() else None for answer in answers]
        self.write(name, [end and {**end, "seconds": seconds.get(rank)} for rank, end in enumerate(ends)])

    def write(self, name: str, content: Any) -> None:
        (self.directory / f"{name}.json").write_text(json.dumps(content))

    def all(self) -> None:
        # What torch imports with the first optimizer is then there for every child.
        train(self.changed(loop={"number_of_updates": 2}), self.directory / "warm-up", Ranks(), nothing)
        self.ranks("one", 1, configuration=self.changed(batch={"micro_batch_rows": 1}))
        self.ranks("two", 2)
        self.smaller_updates()
        self.interrupted()
        self.not_finite()
        self.lost()
        self.full_disk()
        self.killed_while_saving()

    def smaller_updates(self) -> None:
        """Early updates are smaller, the late ones averaged; two ranks stop where both is so and one goes on."""
        settings = self.changed(
            batch={"smaller_updates": ((0.25, 64), (0.75, 256)), "tokens_per_update": 384},
            loop={"average_last_fraction": 0.75},
        )

        def interrupt(trainer: Trainer, ranks: Ranks) -> None:
            if ranks.rank == 1:
                before_update(trainer, 4, lambda: os.kill(os.getpid(), signal.SIGINT))

        self.ranks("growing", 1, configuration=settings)
        self.ranks("growing-stopped", 2, prepare=interrupt, configuration=settings)
        self.ranks("growing-resumed", 1, run="growing-stopped", configuration=settings)
        self.ranks("growing-unshared", 3, configuration=settings)

    def interrupted(self) -> None:
        """Only the second rank receives a signal; then one rank goes on, with other micro-batches."""

        def interrupt(trainer: Trainer, ranks: Ranks) -> None:
            if ranks.rank == 1:
                before_update(trainer, 4, lambda: os.kill(os.getpid(), signal.SIGINT))

        self.ranks("interrupted", 2, prepare=interrupt)
        self.ranks("resumed", 1, run="interrupted", configuration=self.changed(batch={"micro_batch_rows": 2}))

    def not_finite(self) -> None:
        """One rank's gradient is NaN for two updates, and then for ever."""

        def poison(updates: range) -> Prepare:
            def prepare(trainer: Trainer, ranks: Ranks) -> None:
                if ranks.rank != 1:
                    return
                forward = trainer.loss_module.forward

                def poisoned(indices: torch.Tensor, labels: torch.Tensor, parts: int | None = None) -> torch.Tensor:
                    loss = forward(indices, labels, parts)
                    bad = torch.is_grad_enabled() and trainer.state.update + 1 in updates
                    return loss * float("nan") if bad else loss

                trainer.loss_module.forward = poisoned  # type: ignore[method-assign]

            return prepare

        self.ranks("skipping", 2, prepare=poison(range(4, 6)))
        self.ranks(
            "not-finite",
            2,
            prepare=poison(range(5, 99)),
            configuration=self.changed(loop={"non_finite_updates_allowed": 2}),
        )

    def lost(self) -> None:
        """The second rank dies, then hangs, before update 5."""

        def dying(trainer: Trainer, ranks: Ranks) -> None:
            if ranks.rank == 1:
                before_update(trainer, 5, lambda: os.kill(os.getpid(), signal.SIGKILL))

        def hanging(trainer: Trainer, ranks: Ranks) -> None:
            if ranks.rank == 1:
                before_update(trainer, 5, lambda: time.sleep(1000))

        self.ranks("killed", 2, prepare=dying)
        self.ranks("hanging", 2, prepare=hanging, configuration=self.changed(loop={"timeout_seconds": 2.0}))

    def full_disk(self) -> None:
        """The first rank's last save fails at its interval and works when it is tried again."""
        save, count = checkpoint_manager.save_checkpoint, [0]

        def failing(*arguments: Any, **options: Any) -> Path:
            count[0] += 1
            if count[0] == 2:
                raise checkpoint_manager.storage_error(OSError(errno.ENOSPC, "full"), Path("x"), "cannot write")
            return save(*arguments, **options)

        def prepare(trainer: Trainer, ranks: Ranks) -> None:
            checkpoint_manager.save_checkpoint = failing

        no_other_saves = {"checkpoint_interval_in_updates": 4, "keep_plateau_checkpoint": False}
        self.ranks("full-disk", 2, prepare=prepare, configuration=self.changed(loop=no_other_saves))

    def killed_while_saving(self) -> None:
        """Kill -9 again and again at random moments of a run that saves after every update, then let it end."""
        settings = self.changed(loop={"checkpoint_interval_in_updates": 1, "number_of_updates": 24})
        chance, killed = random.Random(5), 0
        run, answer = self.directory / "kill", self.directory / "kill-0.json"
        for _ in range(KILLS):
            before = len(RunDirectory(run).metrics())
            process = fork(lambda: train(settings, run, Ranks(), nothing), answer)
            deadline = time.monotonic() + LIMIT_SECONDS
            while len(RunDirectory(run).metrics()) <= before and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.03))
            os.kill(process, signal.SIGKILL)
            killed += os.WIFSIGNALED(os.waitpid(process, 0)[1])
        # Whatever the moments were: this is what a save that is killed half-way leaves behind.
        half = run / "checkpoints" / f".update-000099.gpt25-temporary-{os.getpid()}-00000000"
        half.mkdir(parents=True)
        (half / "model.safetensors").write_bytes(b"half of i")
        self.ranks("kill", 1, configuration=settings)
        self.ranks("never-killed", 1, configuration=settings)
        self.write("kills", killed)


if __name__ == "__main__":
    torch.set_num_threads(1)
    Scenarios(load_recipe(sys.argv[1]), Path(sys.argv[2])).all()
