"""Which shards are read together, where training reads them in groups."""


def shard_groups(number_of_shards: int, shards_per_group: int | None) -> list[range]:
    """The places of each group's shards: so many each, the last one with what is left over; None: all are one group.

    shard_groups(7, 3) -> [range(0, 3), range(3, 7)]
    """
    per_group = number_of_shards if shards_per_group is None else min(shards_per_group, number_of_shards)
    first_places = [number * per_group for number in range(number_of_shards // per_group)]
    return [range(first, last) for first, last in zip(first_places, [*first_places[1:], number_of_shards], strict=True)]
