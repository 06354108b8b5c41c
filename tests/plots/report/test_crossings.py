"""Where a loss passes below a line: on a straight line between measurements, and for good."""

import pytest

from gpt25.plots.measures.published_lines import PublishedLine, hellaswag_lines, loss_lines
from gpt25.plots.report.crossings import crossing

LINE = PublishedLine("GPT-2 124M", 3.0, "", "")


def rows(*losses: float | None) -> list[dict[str, float | int | None]]:
    return [
        {"update": place, "tokens": 1000 * place, "elapsed_seconds": 36.0 * place, "validation_loss": loss}
        for place, loss in enumerate(losses, start=1)
    ]


def test_the_place_lies_between_two_measurements() -> None:
    found = crossing(rows(4.0, None, 2.0), LINE, price_per_hour=100)
    assert found is not None
    assert (found.tokens, found.seconds, found.money) == pytest.approx((2000, 72, 2))
    assert found.in_words == "crosses GPT-2 124M (3) at 2,000 tokens, 1 min 12 s, 2.00 USD"


def test_only_a_crossing_that_holds_counts() -> None:
    again = crossing(rows(4.0, 2.9, 3.5, 2.5), LINE, price_per_hour=None)
    assert again is not None
    assert again.tokens == pytest.approx(3500)
    assert crossing(rows(4.0, 2.9, 3.5), LINE, price_per_hour=None) is None
    assert crossing([], LINE, price_per_hour=None) is None


def test_a_run_that_begins_below() -> None:
    found = crossing(rows(2.9, 2.8), LINE, price_per_hour=None)
    assert found is not None
    assert found.in_words == "is below GPT-2 124M (3) at 1,000 tokens, 36 s, its first measurement"


@pytest.mark.parametrize(("name", "loss"), [("fineweb", 3.424958), ("fineweb-edu", 3.2924), ("openwebtext", 3.12)])
def test_only_the_lines_of_the_set(name: str, loss: float) -> None:
    assert [line.value for line in loss_lines(name)] == [loss]  # type: ignore[arg-type]


def test_larger_models_have_larger_lines() -> None:
    assert [line.label for line in loss_lines("fineweb", parameters=400_000_000)] == [
        "GPT-2 124M",
        "GPT-2 350M",
        "GPT-2 774M",
    ]
    assert [line.value for line in hellaswag_lines()] == [0.294463, 0.337]
    assert loss_lines(None) == []
