import math
from typing import Any

import pytest

from gpt25.evaluation.harness.sample_measurement import sample_measurement


@pytest.mark.parametrize(
    ("contributions", "value", "scale", "units"),
    [
        ([1, 0, 1, True], 0.75, "mean", 4),
        ([-2.0, -4.0], math.exp(3), "exponential", 2),
        ([(-10.0, 4), (-20.0, 6)], math.exp(3), "exponential", 2),
        ([(-10.0, 4), [-20.0, 6]], 3 / math.log(2), "bits", 2),
    ],
)
def test_the_value_tells_how_a_figure_is_made(contributions: list[Any], value: float, scale: str, units: int) -> None:
    found = sample_measurement("m", "how", contributions, value=value)
    assert found is not None
    assert (found.scale, found.number_of_items, found.metric, found.definition) == (scale, units, "m", "how")
    assert found.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("contributions", "value"),
    [([1, 0], 0.7), ([], 0.5), (["a", "b"], 0.5), ([(1, 2, 3)], 0.5), ([(0.0, 0.0)], 0.0), ([float("nan")], 0.5)],
)
def test_a_figure_that_its_samples_do_not_make_up_has_no_items(contributions: list[Any], value: float) -> None:
    assert sample_measurement("m", "how", contributions, value=value) is None
