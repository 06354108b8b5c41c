"""Shards that are read in groups, one group after the other, and shards that are still to come."""

from pathlib import Path

import numpy as np
import pytest
import torch

from gpt25.data import Batches, TokenShards
from gpt25.data.shards.shard_format import shard_header
from gpt25.errors import DataError, StorageError

SIZES = [500, 300, 401, 350, 620, 90, 200]
STARTS = np.cumsum([0, *SIZES])


def write(path: Path, first: int, count: int) -> None:
    """Token i of the sequence is i, so that a row tells where it was read."""
    path.write_bytes(shard_header(count) + np.arange(first, first + count).astype("<u2").tobytes())


def paths_in(directory: Path) -> list[Path]:
    return [directory / f"train-{number:06d}.bin" for number in range(len(SIZES))]


@pytest.fixture
def shards(tmp_path: Path) -> TokenShards:
    for path, first, count in zip(paths_in(tmp_path), STARTS, SIZES, strict=False):
        write(path, int(first), count)
    return TokenShards(paths_in(tmp_path), vocabulary_size=60_000, fingerprint=None, number_of_bytes=None)


def batches_of(shards: TokenShards, per_group: int | None, *, seed: int = 7) -> Batches:
    return Batches(shards, block_size=16, seed=seed, vocabulary_size=60_000, shards_per_group=per_group)


GROUPS = [(0, 3), (3, 7)]  # of three shards; the last one has what is left over


def test_an_epoch_goes_through_one_group_after_the_other(shards: TokenShards) -> None:
    batches = batches_of(shards, 3)
    counts = [(int(STARTS[last] - STARTS[first]) - 1) // 16 for first, last in GROUPS]
    assert batches.windows_per_epoch == sum(counts)
    orders = []
    for epoch in range(3):
        place = epoch * batches.windows_per_epoch
        for (first, last), count in zip(GROUPS, counts, strict=True):
            begin, end = int(STARTS[first]), int(STARTS[last])
            starts = batches.starts(place, count)
            offset = int(starts.min()) - begin
            assert 0 <= offset < 16
            assert sorted(starts.tolist()) == [begin + offset + 16 * window for window in range(count)]
            inputs, labels = batches.micro_batch(place, count)
            expected = begin + (torch.from_numpy(starts)[:, None] - begin + torch.arange(17)) % (end - begin)
            assert torch.equal(inputs, expected[:, :-1]), "a window leaves its group"
            assert torch.equal(labels, expected[:, 1:])
            orders.append((starts - offset).tolist())
            place += count
    assert len({tuple(order) for order in orders}) == 6


def test_indices_across_groups_and_epochs_give_the_same_rows_as_one_by_one(shards: TokenShards) -> None:
    batches = batches_of(shards, 3)
    together, _ = batches.micro_batch(0, 2 * batches.windows_per_epoch)
    alone = [batches_of(shards, 3).micro_batch(index, 1)[0] for index in range(2 * batches.windows_per_epoch)]
    assert torch.equal(together, torch.cat(alone))


def test_one_group_of_all_reads_what_no_groups_read(shards: TokenShards) -> None:
    whole = batches_of(shards, None)
    for per_group in (4, 7, 1000):  # four and three would be one group: the last one takes what is left
        assert np.array_equal(batches_of(shards, per_group).starts(0, 400), whole.starts(0, 400))
    assert not np.array_equal(batches_of(shards, 3).starts(0, 400), whole.starts(0, 400))


def test_the_order_of_groups_is_the_same_in_every_release(shards: TokenShards) -> None:
    # Golden: a change of the order breaks the resuming of every run. Keep the order, or say so in the release notes.
    assert batches_of(shards, 3).starts(0, 6).tolist() == [79, 831, 1151, 783, 511, 351]
    assert batches_of(shards, 3).starts(74, 4).tolist() == [415, 2184, 1528, 1240]


def test_windows_tell_which_shards_they_need(shards: TokenShards) -> None:
    batches = batches_of(shards, 3)
    first_group = (1201 - 1) // 16
    assert batches.paths_of(0, first_group) == tuple(shards.paths[:3])
    assert batches.paths_of(first_group, 1) == tuple(shards.paths[3:])
    assert batches.paths_of(first_group - 1, 2) == shards.paths
    assert batches.paths_of(batches.windows_per_epoch, 1) == tuple(shards.paths[:3])
    assert batches_of(shards, None).paths_of(5, 1) == shards.paths


def test_a_group_of_less_than_a_block_is_refused(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)[:3]
    for number, path in enumerate(paths):
        write(path, number * 16, 16)
    shards = TokenShards(paths, vocabulary_size=60_000, fingerprint=None, number_of_bytes=None)
    with pytest.raises(DataError, match=r"has 16 tokens, too few for one block: 16 \+ 1 are needed"):
        batches_of(shards, 1)
    assert batches_of(shards, 3).windows_per_epoch == 2


def test_an_unknown_id_behind_a_group_s_end_is_named_where_it_stands(tmp_path: Path) -> None:
    for path, first, count in zip(paths_in(tmp_path), STARTS, SIZES, strict=False):
        write(path, int(first), count)
    shards = TokenShards(paths_in(tmp_path), vocabulary_size=60_000, fingerprint=None, number_of_bytes=None)
    batches = Batches(shards, block_size=16, seed=7, vocabulary_size=1201, shards_per_group=3)
    batches.micro_batch(0, 75)
    with pytest.raises(DataError, match=r"train-00000[3-6]\.bin: token [\d,]+ at byte"):
        batches.micro_batch(75, 1)


class Coming:
    """Files that are there once they are written."""

    def tokens(self, path: Path) -> int:
        return SIZES[int(path.stem[-6:])]

    def is_there(self, path: Path) -> bool:
        return path.exists()


def test_shards_that_are_still_to_come_are_counted_and_read_when_they_are_there(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    for number in range(3):
        write(paths[number], int(STARTS[number]), SIZES[number])
    coming = TokenShards(paths, vocabulary_size=60_000, fingerprint=None, number_of_bytes=None, arrival=Coming())
    assert coming.number_of_tokens == sum(SIZES)
    assert coming.missing(paths) == paths[3:]
    batches = batches_of(coming, 3)
    first, _ = batches.micro_batch(0, 75)
    with pytest.raises(StorageError, match=r"train-00000\d\.bin: No such file"):
        batches.micro_batch(75, 1)
    for number in range(3, 7):
        write(paths[number], int(STARTS[number]), SIZES[number])
    assert coming.missing(paths) == []
    second, _ = batches.micro_batch(75, 50)
    whole = TokenShards(paths, vocabulary_size=60_000, fingerprint=None, number_of_bytes=None)
    assert whole.missing(paths) == []
    assert torch.equal(torch.cat([first, second]), batches_of(whole, 3).micro_batch(0, 125)[0])
