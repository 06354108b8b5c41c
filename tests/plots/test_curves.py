"""What becomes of metric rows on their way into a picture."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from gpt25.plots.curves import Curves, curves_of, downsample, names_of, smooth, vertical_limits
from gpt25.records import RunDirectory


def test_only_finite_numbers_are_drawn_and_lost_losses_are_remembered() -> None:
    rows: list[dict[str, Any]] = [
        {"update": 1, "tokens": 10, "training_loss": 5.0, "learning_rate": 0.1, "validation_loss": None},
        {"update": 2, "tokens": 20, "training_loss": None},
        {"update": 3, "tokens": 30, "training_loss": math.nan, "validation_loss": math.inf},
        {"update": 4, "tokens": 40, "validation_loss": 4},
        {"update": 5, "tokens": None, "training_loss": 3.0},
        {"update": 6, "tokens": 60, "training_loss": "low", "learning_rate": True},
    ]
    curves = curves_of(rows, name="run", x="tokens")
    assert curves == Curves(
        name="run",
        training=[(10, 5)],
        validation=[(40, 4)],
        learning_rate=[(10, 0.1)],
        not_finite=[20, 30, 60],
    )
    assert not curves.is_empty
    assert curves_of(rows[1:3], name="run", x="tokens").is_empty


@pytest.mark.parametrize(("x", "place"), [("tokens", 20), ("seconds", 1.5), ("updates", 2)])
def test_each_axis_has_its_field(x: str, place: float) -> None:
    rows: list[dict[str, Any]] = [{"update": 2, "tokens": 20, "elapsed_seconds": 1.5, "training_loss": 3.0}]
    assert curves_of(rows, name="run", x=x).training == [(place, 3.0)]  # type: ignore[arg-type]


def test_smoothing_takes_the_mean_of_a_fortieth_on_either_side() -> None:
    points = [(float(x), float(x % 2)) for x in range(80)]
    means = [y for _, y in smooth(points)]
    assert [x for x, _ in smooth(points)] == [x for x, _ in points]
    assert [means[place] for place in (0, 1, 40, 79)] == pytest.approx([0, 1 / 3, 2 / 5, 2 / 3])
    assert smooth([]) == []
    assert smooth(points[:39]) == points[:39]


def test_a_straight_line_stays_where_it_was() -> None:
    points = [(float(x), 2.0 * x) for x in range(400)]
    assert [y for _, y in smooth(points)[:390]] == pytest.approx([y for _, y in points[:390]])


def test_thinning_out_keeps_ends_and_spikes() -> None:
    points = [(float(x), 1.0) for x in range(10_000)]
    points[5_003] = (5_003.0, 9.0)
    points[7_001] = (7_001.0, -9.0)
    thin = downsample(points, columns=100)
    assert len(thin) <= 400
    assert thin[0] == points[0]
    assert thin[-1] == points[-1]
    assert {points[5_003], points[7_001]} <= set(thin)
    assert thin == sorted(thin)
    assert downsample(points[:300], columns=100) == points[:300]


def test_points_in_one_place_are_thinned_out_too() -> None:
    assert downsample([(1.0, float(y)) for y in range(1000)], columns=10) == [(1.0, 0.0), (1.0, 999.0)]


def test_the_frame_shows_all_of_a_short_run_and_crops_the_start_of_a_long_one() -> None:
    falling = [(float(x), 3 + 8 * math.exp(-x / 10)) for x in range(1000)]
    long_run = Curves("run", training=falling, validation=[], learning_rate=[], not_finite=[])
    low, high = vertical_limits([long_run])
    assert low < 3
    assert 3.2 < high < 5
    begun = dataclasses.replace(long_run, start=(0, 12.0))
    assert vertical_limits([begun])[1] > 12
    short_run = Curves("run", training=falling[:20], validation=[], learning_rate=[], not_finite=[])
    assert vertical_limits([short_run])[1] > 11
    assert vertical_limits([long_run, short_run])[1] > 11


def test_a_single_value_and_nothing_at_all_have_a_frame_with_height() -> None:
    one = Curves("run", training=[(1, 4)], validation=[], learning_rate=[], not_finite=[])
    assert vertical_limits([one]) == (3.5, 4.5)
    low, high = vertical_limits([])
    assert low < high


def test_runs_are_called_by_as_much_of_their_path_as_tells_them_apart(tmp_path: Path) -> None:
    paths = ["a/run", "b/run", "other"]
    assert names_of([RunDirectory(tmp_path / path) for path in paths]) == ["a/run", "b/run", "other"]
    assert names_of([RunDirectory(tmp_path / "run"), RunDirectory(tmp_path / "run")]) == ["run", "run"]


def test_the_start_is_the_validation_loss_of_update_0() -> None:
    first = {"update": 0, "tokens": 0, "validation_loss": 6.0, "elapsed_seconds": 2.0}
    rows = [first, {"update": 1, "tokens": 10, "training_loss": 5.0, "validation_loss": 5.5, "elapsed_seconds": 3.0}]
    assert curves_of(rows, name="run", x="tokens").start == (0.0, 6.0)
    assert curves_of(rows, name="run", x="seconds").start == (2.0, 6.0)
    assert curves_of(rows[1:], name="run", x="tokens").start is None
    assert curves_of([{**first, "validation_loss": None}, rows[1]], name="run", x="tokens").start is None
