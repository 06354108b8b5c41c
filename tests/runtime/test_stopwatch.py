"""A stopwatch goes on where it was, whatever the wall clock does."""

import pytest

from gpt25.runtime import Stopwatch, stopwatch


def test_counts_from_its_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr(stopwatch.time, "monotonic", lambda: now[0])
    watch = Stopwatch(offset_seconds=90.0)
    assert watch.elapsed_seconds == 90.0
    now[0] += 2.5
    assert watch.elapsed_seconds == 92.5


def test_does_not_follow_the_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Stopwatch()
    monkeypatch.setattr(stopwatch.time, "time", lambda: 0.0)
    assert 0.0 <= watch.elapsed_seconds < 60.0
