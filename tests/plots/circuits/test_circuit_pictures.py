"""Maps and lines: files of the kind that their ending says, with the figures that were given, from arrays alone."""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from gpt25.errors import PlotError
from gpt25.plots import (
    CheckpointLines,
    HeatMap,
    HeatMaps,
    checkpoint_lines_figure,
    draw_checkpoint_lines,
    draw_heat_maps,
    heat_maps_figure,
)

HOSTILE = "</script><script>alert(1)</script>$x$ 漢 & <b>"


def maps(kind: Any = "signed", *, rows: int = 3, columns: int = 4, count: int = 2) -> HeatMaps:
    values = np.random.default_rng(1).normal(size=(rows, columns))
    if kind != "signed":
        values = np.abs(values) / np.abs(values).max()
    values[0, 0] = math.nan
    labels = [HOSTILE, *(f"·word{n}" for n in range(columns - 1))]
    each = HeatMap("A map", values, [str(n) for n in range(rows)], labels, across="token")
    notes = [("Texts", ["one line " + HOSTILE])]
    return HeatMaps(f"m: {HOSTILE}", "What to see in it.", [each] * count, "some unit", kind, "inside", notes)


def lines(names: int = 3) -> CheckpointLines:
    values = {f"head {n}": [n * 0.1, math.nan, n * 0.3] for n in range(names)}
    return CheckpointLines("r: lines", "What to see.", [10, 20, 30], values, "some unit")


def content_of(page: Path) -> Any:
    """The content of a page that fetches nothing and lets nothing run that stands in the content."""
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert "alert(1)</script>" not in text
    assert "innerHTML" not in text
    assert set(re.findall(r"https?://[^\s\"']+", text)) <= {"http://www.w3.org/2000/svg"}
    found = re.search(r'<script type="application/json" id="content">(.*?)</script>', text, flags=re.DOTALL)
    assert found is not None
    return json.loads(found[1])


@pytest.mark.parametrize("kind", ["signed", "share", "amount", "size"])
def test_every_kind_of_map_is_drawn_in_every_format(kind: Any, tmp_path: Path) -> None:
    given = maps(kind)
    for ending in ("png", "svg", "html"):
        draw_heat_maps(given, tmp_path / f"a.{ending}")
        first = (tmp_path / f"a.{ending}").read_bytes()
        draw_heat_maps(given, tmp_path / f"a.{ending}")
        assert (tmp_path / f"a.{ending}").read_bytes() == first
    height, width, _ = imread(tmp_path / "a.png").shape
    assert 600 < width <= 2400
    assert height < 1200
    content = content_of(tmp_path / "a.html")
    assert content["kind"] == kind
    shown = content["maps"][0]
    assert shown["columns"][0] == HOSTILE
    assert shown["values"][0][0] is None
    assert np.allclose(shown["values"][1], given.maps[0].values[1], rtol=1e-3)
    assert content["notes"] == [{"heading": "Texts", "lines": ["one line " + HOSTILE]}]


@pytest.mark.parametrize(
    ("kind", "expected"), [("signed", (-4, 4)), ("share", (0, 1)), ("amount", (0, 4)), ("size", (1, 4))]
)
def test_the_ends_of_the_colours(kind: Any, expected: tuple[float, float]) -> None:
    each = HeatMap("", np.array([[1.0, -4.0 if kind == "signed" else 4.0, math.nan]]), [""], ["a", "b", "c"])
    assert HeatMaps("", "", [each], "", kind).limits == expected
    empty = HeatMap("", np.full((1, 2), math.nan), [""], ["a", "b"])
    low, high = HeatMaps("", "", [empty], "", kind).limits
    assert low < high


def test_a_figure_holds_the_figures_their_labels_a_scale_and_what_to_see() -> None:
    given = maps()
    figure = heat_maps_figure(given)
    panels = [panel for panel in figure.get_axes() if panel.get_title(loc="left") == "A map"]
    assert len(panels) == 2
    drawn = panels[0].get_images()[0].get_array()
    assert np.allclose(np.ma.filled(drawn, np.nan), given.maps[0].values, equal_nan=True)
    assert panels[0].get_xlabel() == "token"
    assert panels[0].get_ylabel() == "layer"
    written = [text.get_text() for text in panels[0].texts]
    assert len(written) == 11, "one for each figure that there is"
    assert f"{given.maps[0].values[1, 1]:.2f}" in written
    assert [panel.get_ylabel() for panel in figure.get_axes() if panel.get_label() == "<colorbar>"] == ["some unit"]
    figure.draw_without_rendering()
    assert panels[0].get_position().y0 == panels[1].get_position().y0, "narrow maps stand side by side"
    wide = heat_maps_figure(maps(columns=40))
    wide.draw_without_rendering()
    above, below = (panel for panel in wide.get_axes() if panel.get_title(loc="left") == "A map")
    assert not above.texts
    assert above.get_window_extent().y0 > below.get_window_extent().y1


def test_long_texts_stay_within_a_screen(tmp_path: Path) -> None:
    draw_heat_maps(maps(rows=13, columns=300, count=3), tmp_path / "a.png")
    height, width, _ = imread(tmp_path / "a.png").shape
    assert width <= 2400
    assert height < 3000


def test_maps_are_drawn_on_given_axes() -> None:
    own = Figure()
    assert heat_maps_figure(maps(), axes=list(own.subplots(1, 2))) is own
    with pytest.raises(PlotError, match="1 axes were given; this picture is drawn on 2"):
        heat_maps_figure(maps(), axes=Figure().subplots())


def test_lines_are_drawn_in_every_format_and_the_strongest_have_names(tmp_path: Path) -> None:
    for ending in ("png", "svg", "html"):
        draw_checkpoint_lines(lines(12), tmp_path / f"a.{ending}")
    content = content_of(tmp_path / "a.html")
    assert content["all"] == 12
    assert [line["name"] for line in content["lines"]] == [f"head {n}" for n in range(11, 3, -1)]
    assert content["lines"][0]["points"] == [[10, 1.1], [20, None], [30, 3.3]]
    figure = checkpoint_lines_figure(lines(12))
    (panel,) = figure.get_axes()
    assert len(panel.get_lines()) == 12
    assert [text.get_text() for text in panel.get_legend().get_texts()] == [f"head {n}" for n in range(11, 3, -1)]
    assert panel.get_xlabel() == "update"
    assert panel.get_ylabel() == "some unit"
    own = Figure()
    assert checkpoint_lines_figure(lines(), axes=own.subplots()) is own
