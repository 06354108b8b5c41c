from itertools import chain

import numpy as np
import pytest

from gpt25.data.fetching.public_sets import PUBLIC_SETS
from gpt25.data.fetching.row_stretches import RowStretches
from gpt25.data.sources.hub_listing import HubFile


def files(sizes: list[int]) -> list[HubFile]:
    return [HubFile("some/set", "commit", f"part_{n}", size, None, "blob") for n, size in enumerate(sizes)]


def test_no_stretch_comes_twice_and_all_lie_in_their_files() -> None:
    given = files([1000, 37, 555, 10])
    stretches = RowStretches(given, stretch_bytes=10, stretches_per_shard=4)
    assert stretches.number_of_shards == (100 + 3 + 55 + 1) // 5
    found = [each for number in range(stretches.number_of_shards) for each in chain(*stretches.of_shard(number))]
    assert len({(each.file.path, each.start) for each in found}) == len(found)
    for each in found:
        assert 0 <= each.start < each.end <= each.file.size
        assert each.end - each.start == 10


@pytest.mark.parametrize("shards", [1, 5, 51, 100])
def test_every_piece_of_the_order_is_spread_evenly_over_the_set(shards: int) -> None:
    """Of a hundred files of 19.9 GB, sorted by cluster or not: the share of every hundredth of the bytes."""
    rows = PUBLIC_SETS["climbmix"].rows
    assert rows is not None
    size = 19_879_703_040
    stretches = RowStretches(files([size] * 100), stretch_bytes=14_000_000, stretches_per_shard=50)
    assert stretches.number_of_shards > 2300
    found = [each for number in range(1, shards + 1) for each in stretches.of_shard(number)[0]]
    in_set = [(int(each.file.path[5:]) * size + each.start) / (100 * size) for each in found]
    in_file = [each.start / size for each in found]
    for places in (in_set, in_file):
        parts = min(100, len(found) // 5)
        counts = np.histogram(places, bins=parts, range=(0, 1))[0]
        assert counts.min() >= 0.4 * len(found) / parts, counts
        assert counts.max() <= 1.8 * len(found) / parts, counts
