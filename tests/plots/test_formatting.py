"""Human-readable numbers."""

import pytest

from gpt25.plots.formatting import axis_label, axis_number, count, count_of, duration, round_ticks, size, tick_label


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0"),
        (16_384, "16,384"),
        (999_400, "999,400"),
        (999_600, "1.00 million"),
        (11_742_720, "11.7 million"),
        (124_439_808, "124 million"),
        (999_700_000, "1.00 billion"),
        (1_557_611_200, "1.56 billion"),
        (3e15, "3,000 trillion"),
    ],
)
def test_counts(number: float, words: str) -> None:
    assert count(number) == words


def test_counts_with_their_noun() -> None:
    assert count_of(1, "tokens") == "1 token"
    assert count_of(0, "tokens") == "0 tokens"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (1.24, "1.2 s"),
        (9.97, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (582, "9 min 42 s"),
        (3599.6, "1 h 00 min"),
        (3725, "1 h 02 min"),
        (86_395, "1 d 0 h"),
        (200_000, "2 d 8 h"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_sizes() -> None:
    assert [size(n) for n in (0, 999, 1_204_881, 5e12)] == ["0 bytes", "999 bytes", "1.20 MB", "5.00 TB"]


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"),
    [
        (0, 9.83, 5, [0, 2, 4, 6, 8]),
        (0.1, 3.2, 4, [1, 2, 3]),
        (2.26, 4.62, 6, [2.5, 3, 3.5, 4, 4.5]),
        (0, 1e10, 4, [0, 2.5e9, 5e9, 7.5e9, 1e10][:4]),
        (5, 5, 4, [5]),
    ],
)
def test_ticks_are_round_and_within_the_limits(low: float, high: float, most: int, ticks: list[float]) -> None:
    assert round_ticks(low, high, most=most) == pytest.approx(ticks)


def test_numbers_on_an_axis_have_no_exponent() -> None:
    assert [axis_number(value) for value in (1.2e6, 0.0, 0.25, 1e9)] == ["1,200,000", "0", "0.25", "1,000,000,000"]


def test_tick_labels_have_the_decimals_they_need() -> None:
    labels = [tick_label(*pair[:1], step=pair[1]) for pair in ((2.5, 0.5), (3.0, 0.5), (4000, 500), (0.25, 0.25))]
    assert labels == ["2.5", "3.0", "4,000", "0.25"]
    assert tick_label(10.83, step=0) == "10.83"
    assert tick_label(94_208, step=0) == "94,210"


@pytest.mark.parametrize(
    ("x", "largest", "title", "unit"),
    [
        ("updates", 1e9, "updates", 1),
        ("tokens", 1e5, "training tokens", 1),
        ("tokens", 9.8e6, "millions of training tokens", 1e6),
        ("tokens", 1e10, "billions of training tokens", 1e9),
        ("seconds", 90, "seconds of training", 1),
        ("seconds", 600, "minutes of training", 60),
        ("seconds", 9000, "hours of training", 3600),
        ("seconds", 200_000, "days of training", 86_400),
    ],
)
def test_an_axis_takes_the_unit_that_keeps_its_labels_short(x: str, largest: float, title: str, unit: float) -> None:
    axis = axis_label(x, largest=largest)  # type: ignore[arg-type]
    assert (axis.title, axis.unit) == (title, unit)
