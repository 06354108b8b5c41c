"""Several runs' lines as SVG: names that hide nothing, numbers that fit."""

from xml.etree import ElementTree

import pytest

from gpt25.plots.report.lines_chart import Line, lines_chart


def name_of_level(points: list[tuple[float, float]]) -> ElementTree.Element:
    chart = lines_chart(
        [Line("a", points)], reference_lines=[("GPT-2 124M", 3.0)], across_title="", width=812, height=340
    )
    (name,) = [text for text in ElementTree.fromstring(chart).iter("text") if text.get("class") == "level-name"]
    return name


@pytest.mark.parametrize(
    ("losses", "anchor"), [([5, 3.4, 2.5, 2.2, 2.0], "end"), ([5, 4.5, 4.0, 3.5, 3.05], "start"), ([3.05] * 5, "end")]
)
def test_a_levels_name_stands_where_it_hides_less(losses: list[float], anchor: str) -> None:
    assert name_of_level([(float(place), loss) for place, loss in enumerate(losses)]).get("text-anchor") == anchor


def test_long_numbers_have_room_on_the_left() -> None:
    for value, room in ((3.0, 60), (1234567.25, 90)):
        points = [(0.0, value), (1.0, value + 0.001)]
        chart = ElementTree.fromstring(lines_chart([Line("a", points)], across_title="", width=358, height=280))
        (line,) = chart.iter("polyline")
        left = float((line.get("points") or "").split(",")[0])
        assert left >= room
        labels = [text.text or "" for text in chart.iter("text") if text.get("text-anchor") == "end" and text.text]
        assert max(map(len, labels)) * 7.5 < left
