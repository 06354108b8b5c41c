"""A run whose shards come one after the other: it waits, learns the same, stops by signal, says what will not come."""

import dataclasses
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gpt25.data import PreparedData, TokenShards, open_shards
from gpt25.errors import DataError, Interrupted
from gpt25.records import RunDirectory
from gpt25.training import Trainer, TrainingConfiguration, TrainingHooks
from gpt25.training.loop import awaited_data


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awaited_data, "_POLL_SECONDS", 0.01)


@pytest.fixture
def in_groups(configuration: TrainingConfiguration) -> TrainingConfiguration:
    """Twelve updates of 128 tokens over four shards of 200, in groups of two."""
    return dataclasses.replace(
        configuration,
        data=dataclasses.replace(configuration.data, shards_per_group=2),
        loop=dataclasses.replace(configuration.loop, number_of_updates=12, checkpoint_interval_in_updates=100),
    )


class Source:
    """Copies of the shards, in four files; those that are held back come when they are let go."""

    def __init__(self, data: PreparedData, folder: Path, there: int) -> None:
        import numpy as np

        from gpt25.data.shards.shard_format import shard_header

        shards = open_shards(data.directory, "train")
        tokens = shards.tokens(0, 800)
        self.fingerprint = shards.fingerprint
        self.paths = [folder / f"train-{number}.bin" for number in range(4)]
        self.aside = folder / "aside"
        self.aside.mkdir(parents=True)
        for path, part in zip(self.paths, np.array_split(tokens, 4), strict=True):
            (self.aside / path.name).write_bytes(shard_header(len(part)) + part.tobytes())
        self.let_go(there)

    def tokens(self, path: Path) -> int:
        return 200

    def is_there(self, path: Path) -> bool:
        return path.exists()

    def let_go(self, count: int) -> None:
        for path in self.paths[:count]:
            if not path.exists():
                shutil.copy(self.aside / path.name, path.with_suffix(".part"))
                os.replace(path.with_suffix(".part"), path)

    def shards(self) -> TokenShards:
        return TokenShards(
            self.paths, vocabulary_size=320, fingerprint=self.fingerprint, number_of_bytes=None, arrival=self
        )


Train = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def train(in_groups: TrainingConfiguration, data: PreparedData) -> Train:
    def run(source: Source, folder: Path, on_missing: Callable[[Sequence[Path]], str | None]) -> list[dict[str, Any]]:
        directory = RunDirectory(folder)
        trainer = Trainer(
            in_groups,
            run=directory,
            train_shards=source.shards(),
            validation_shards=open_shards(data.directory, "validation"),
            hooks=TrainingHooks(on_missing_data=on_missing),
        )
        trainer.train()
        return directory.metrics()

    return run


def losses(rows: list[dict[str, Any]]) -> list[float]:
    return [row["training_loss"] for row in rows]


def never(paths: Sequence[Path]) -> str | None:
    raise AssertionError(f"{paths} were missed")


def test_training_waits_for_a_group_and_learns_what_it_would_have(
    train: Train, data: PreparedData, tmp_path: Path
) -> None:
    whole = losses(train(Source(data, tmp_path / "whole", there=4), tmp_path / "one", never))
    source = Source(data, tmp_path / "coming", there=2)
    missed: list[list[str]] = []

    def release(paths: Sequence[Path]) -> str | None:
        missed.append([path.name for path in paths])
        if len(missed) == 3:
            source.let_go(3)
        if len(missed) == 6:
            source.let_go(4)
        return None

    assert losses(train(source, tmp_path / "two", release)) == whole
    assert missed == [["train-2.bin", "train-3.bin"]] * 3 + [["train-3.bin"]] * 3


def test_a_signal_ends_the_wait_with_everything_saved(train: Train, data: PreparedData, tmp_path: Path) -> None:
    whole = losses(train(Source(data, tmp_path / "whole", there=4), tmp_path / "one", never))
    source, run = Source(data, tmp_path / "coming", there=2), tmp_path / "two"

    def stop(paths: Sequence[Path]) -> str | None:
        os.kill(os.getpid(), signal.SIGTERM)
        return None

    with pytest.raises(Interrupted, match=r"stopped by SIGTERM after update 3; saved in"):
        train(source, run, stop)
    assert [record.update for record in RunDirectory(run).checkpoints()] == [3]
    source.let_go(4)
    assert losses(train(source, run, never)) == whole


def test_what_will_not_come_is_said_with_everything_saved(train: Train, data: PreparedData, tmp_path: Path) -> None:
    whole = losses(train(Source(data, tmp_path / "whole", there=4), tmp_path / "one", never))
    source, run = Source(data, tmp_path / "coming", there=2), tmp_path / "two"
    with pytest.raises(DataError, match="the Hub has gone away"):
        train(source, run, lambda paths: "the Hub has gone away")
    assert [record.update for record in RunDirectory(run).checkpoints()] == [3]
    source.let_go(4)
    assert losses(train(source, run, never)) == whole


def test_without_anyone_who_brings_it_a_missing_shard_ends_the_run(
    in_groups: TrainingConfiguration, data: PreparedData, tmp_path: Path
) -> None:
    source = Source(data, tmp_path / "coming", there=2)
    trainer = Trainer(
        in_groups,
        run=RunDirectory(tmp_path / "run"),
        train_shards=source.shards(),
        validation_shards=open_shards(data.directory, "validation"),
    )
    with pytest.raises(DataError, match=r"train-2\.bin is not there\. Put it back and go on"):
        trainer.train()


def test_what_is_read_ahead_too_early_is_read_again(
    train: Train, data: PreparedData, tmp_path: Path, in_groups: TrainingConfiguration
) -> None:
    whole = losses(train(Source(data, tmp_path / "whole", there=4), tmp_path / "one", never))
    ahead = dataclasses.replace(in_groups, speed=dataclasses.replace(in_groups.speed, prefetch=True, read_late=True))
    source, run = Source(data, tmp_path / "coming", there=2), RunDirectory(tmp_path / "two")
    trainer = Trainer(
        ahead,
        run=run,
        train_shards=source.shards(),
        validation_shards=open_shards(data.directory, "validation"),
        hooks=TrainingHooks(on_missing_data=lambda paths: source.let_go(4)),
    )
    trainer.train()
    assert losses(run.metrics()) == pytest.approx(whole, rel=1e-5)


def test_no_other_thread_is_needed_to_wait(train: Train, data: PreparedData, tmp_path: Path) -> None:
    source = Source(data, tmp_path / "coming", there=2)
    later = threading.Timer(0.3, lambda: source.let_go(4))
    later.start()
    begin = time.monotonic()
    assert len(train(source, tmp_path / "run", lambda paths: None)) == 12
    assert time.monotonic() - begin >= 0.2
    later.join()
