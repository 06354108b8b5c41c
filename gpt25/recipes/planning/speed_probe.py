"""How fast this machine trains a recipe: real updates on random tokens, for some twenty seconds."""

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gpt25.data import TokenShards, open_shards
from gpt25.data.shards.shard_format import require_16_bit_vocabulary, shard_header
from gpt25.records import RunDirectory
from gpt25.runtime import Ranks
from gpt25.training import Trainer, TrainingConfiguration
from gpt25.training.loop.accumulation import fitting_micro_batch_rows

_SECONDS = 20.0


def probe_tokens_per_second(configuration: TrainingConfiguration, *, gpus: int, seconds: float = _SECONDS) -> float:
    """Tokens a second of one device of `gpus` among which each update is split; nothing stays on the disk.

    Updates of one and of two micro-batches tell the time of a micro-batch from that of the optimizer's step, so that a
    slow machine need not do a whole update. Each kind is done at least twice, even where that takes longer.
    """
    ranks = Ranks(number_of_ranks=gpus)
    rows = fitting_micro_batch_rows(configuration, ranks, rows=configuration.rows_per_update)
    with tempfile.TemporaryDirectory() as folder:
        shards = _random_shards(Path(folder), configuration, rows)
        one, two = (
            _seconds_of_an_update(_sized(configuration, rows, count), Path(folder), shards, seconds / 2)
            for count in (1, 2)
        )
    micro_batch = max(two - one, one / 2)  # never less than half an update: noise must not promise speed
    step = max(one - micro_batch, 0.0)
    tokens = configuration.total_tokens / configuration.loop.number_of_updates / gpus  # of a mean update
    return tokens / (step + micro_batch * tokens / (rows * configuration.model.block_size))


def _sized(configuration: TrainingConfiguration, rows: int, micro_batches: int) -> TrainingConfiguration:
    tokens = rows * micro_batches * configuration.model.block_size
    batch = dataclasses.replace(
        configuration.batch, tokens_per_update=tokens, micro_batch_rows=rows, smaller_updates=()
    )
    return dataclasses.replace(configuration, batch=batch)


def _random_shards(folder: Path, configuration: TrainingConfiguration, rows: int) -> TokenShards:
    require_16_bit_vocabulary(configuration.model.vocabulary_size)
    count = 4 * rows * configuration.model.block_size + 1
    tokens = np.random.default_rng(0).integers(configuration.model.vocabulary_size, size=count, dtype=np.uint16)
    (folder / "probe_train_000000.bin").write_bytes(shard_header(count) + tokens.tobytes())
    return open_shards(folder, "train", vocabulary_size=configuration.model.vocabulary_size)


def _seconds_of_an_update(
    configuration: TrainingConfiguration,
    folder: Path,
    shards: TokenShards,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Median of those after the first, which fills the caches; the last update is one of the full block."""
    trainer = Trainer(configuration, run=RunDirectory(folder / "run"), train_shards=shards, validation_shards=shards)
    last = configuration.loop.number_of_updates - 1
    trainer.rehearse_update(last)
    begin = clock()
    times: list[float] = []
    while len(times) < 2 or clock() - begin < seconds:
        start = clock()
        trainer.rehearse_update(last)
        times.append(clock() - start)
    return statistics.median(times)
