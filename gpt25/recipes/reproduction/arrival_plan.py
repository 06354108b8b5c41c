"""How long a reproduction has to wait for its shards, of which most arrive while it works."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ArrivalPlan:
    """Seconds in which nothing but fetching goes on."""

    before: float
    """The opponent's weights and the validation shard, before anything can be measured."""
    waiting: float
    """For groups of shards that are not there when training comes to them."""


def plan_arrival(
    groups: Sequence[int],
    *,
    bytes_before: float,
    bytes_per_shard: float,
    bytes_per_second: float,
    opponent_seconds: float,
    training_seconds: float,
) -> ArrivalPlan:
    """Fetch without a pause, measure the opponent meanwhile, and train on one group of so many shards after the other.

    groups: shards of each, an equal part of training for every shard.
    """
    now = before = bytes_before / bytes_per_second
    now += opponent_seconds
    fetched, waiting = bytes_before, 0.0
    for count in groups:
        fetched += count * bytes_per_shard
        there = fetched / bytes_per_second
        waiting += max(0.0, there - now)
        now = max(now, there) + training_seconds * count / sum(groups)
    return ArrivalPlan(before, waiting)
