import pytest

from gpt25.data.shards.shard_groups import shard_groups


@pytest.mark.parametrize(
    ("shards", "per_group", "expected"),
    [
        (7, 3, [range(3), range(3, 7)]),
        (6, 3, [range(3), range(3, 6)]),
        (5, 3, [range(5)]),
        (3, 1, [range(1), range(1, 2), range(2, 3)]),
        (4, None, [range(4)]),
        (2, 9, [range(2)]),
    ],
)
def test_the_last_group_takes_what_is_left(shards: int, per_group: int | None, expected: list[range]) -> None:
    assert shard_groups(shards, per_group) == expected


def test_the_recipe_s_fifty_one_shards_are_ten_groups() -> None:
    assert [len(group) for group in shard_groups(51, 5)] == [5] * 9 + [6]
