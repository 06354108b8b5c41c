"""Maps of colours over layers, heads and positions, as a picture or a page."""

import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt25.plots.circuits.heat_map import HeatMap, HeatMaps
from gpt25.plots.page import write_page
from gpt25.plots.pictures.drawing import FAINT_INK, GRID, INK, literal, new_figure, printable, title_panel
from gpt25.plots.pictures.panels import extra_inches, figure_of, given_panels, head_figure
from gpt25.plots.pictures.write_drawing import write_drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

_LONGEST_LABEL = 14
_MOST_LABELS = 64
_MOST_CELLS_WITH_FIGURES = 160
_WIDEST_OF_TWO = 16  # columns of a map that has another one beside it
_INCHES_PER_COLUMN, _INCHES_PER_ROW = 0.34, 0.26
_WIDEST_INCHES = 14.0
_MOST_ACROSS = 3
_LEAST_INCHES_HIGH = 1.1


def draw_heat_maps(maps: HeatMaps, output: str | Path) -> None:
    """Draw maps into a .png, .svg or .html file, atomically; a page has every figure under the pointer.

    Raises StorageError where `output` cannot be written.
    """
    write_drawing(output, page=lambda file: _write_page(maps, file), figure=lambda: heat_maps_figure(maps))


def heat_maps_figure(maps: HeatMaps, *, axes: "Axes | Sequence[Axes] | None" = None) -> "Figure":
    """The maps under one scale, in a figure of their own or on given axes, one to each map.

    Raises PlotError for axes that are not as many as the maps.
    """
    if axes is not None:
        panels = given_panels(axes, len(maps.maps))
        images = [_draw(panel, each, maps) for panel, each in zip(panels, maps.maps, strict=True)]
        _scale(panels, images[0], maps)
        return figure_of(panels[0])
    rows = _arranged(maps.maps)
    width = max(sum(_width(each) for each in row) for row in rows)
    width = min(_WIDEST_INCHES, max(6.0, width + 1.2))
    heights = [max(_height(each) for each in row) for row in rows]
    figure = new_figure(width, sum(heights) + 0.5 + extra_inches(maps.line, width), dots_per_inch=150)
    body = head_figure(figure, maps.title, maps.line)
    bands = body.subfigures(len(rows), 1, squeeze=False, height_ratios=heights)[:, 0]
    for row, band in zip(rows, bands, strict=True):
        widths = [_width(each) for each in row]
        rest = width - 1.2 - sum(widths)  # beside a map that is alone and narrow
        filler = [rest] if len(row) == 1 and rest > widths[0] else []
        panels = band.subplots(1, len(row) + len(filler), squeeze=False, width_ratios=[*widths, *filler])[0]
        for empty in panels[len(row) :]:
            empty.set_visible(False)
        panels = panels[: len(row)]
        images = [_draw(panel, each, maps) for panel, each in zip(panels, row, strict=True)]
        _scale(list(panels), images[0], maps)
    return figure


def _arranged(maps: Sequence[HeatMap]) -> list[list[HeatMap]]:
    """Narrow maps side by side, two or three to a row, a wide one on a row of its own."""
    rows: list[list[HeatMap]] = []
    for is_narrow, group in groupby(maps, key=_is_narrow):
        alike = list(group)
        across = math.ceil(len(alike) / math.ceil(len(alike) / _MOST_ACROSS)) if is_narrow else 1
        rows += [alike[first : first + across] for first in range(0, len(alike), across)]
    return rows


def _is_narrow(each: HeatMap) -> bool:
    return len(each.columns) <= _WIDEST_OF_TWO


def _width(each: HeatMap) -> float:
    labels = max((len(_short(label)) for label in each.rows), default=0) * 0.075
    return max(1.2 + 0.09 * len(each.title), len(each.columns) * _INCHES_PER_COLUMN + labels + 0.4)


def _height(each: HeatMap) -> float:
    labels = max((len(_short(label)) for label in each.columns), default=0)
    return 0.85 + max(_LEAST_INCHES_HIGH, len(each.rows) * _INCHES_PER_ROW) + (labels * 0.075 if labels > 3 else 0.15)


def _draw(panel: "Axes", each: HeatMap, maps: HeatMaps) -> "ScalarMappable":
    """One map; row 0 is at the bottom, as the residual stream flows upwards."""
    import numpy as np

    image = panel.imshow(
        np.ma.masked_invalid(each.values), aspect="auto", origin="lower", interpolation="nearest", **_colours(maps)
    )
    step = math.ceil(len(each.columns) / _MOST_LABELS)
    columns = [_short(label) for label in each.columns[::step]]
    is_long = any(len(label) > 3 for label in columns)
    places = range(0, len(each.columns), step)
    for tick in panel.set_xticks(places, columns, rotation=90 if is_long else 0):
        literal(tick.label1)
    step = math.ceil(len(each.rows) / _MOST_LABELS)
    for tick in panel.set_yticks(range(0, len(each.rows), step), [_short(label) for label in each.rows[::step]]):
        literal(tick.label1)
    panel.tick_params(labelsize=7.5, labelcolor=INK, length=0)
    if is_long:
        panel.tick_params(axis="x", labelfontfamily="DejaVu Sans Mono")
    panel.set_xlabel(each.across, color=FAINT_INK, fontsize=8.5)
    panel.set_ylabel(each.down, color=FAINT_INK, fontsize=8.5)
    title_panel(panel, printable(each.title))
    panel.set_facecolor("#f3f4f6")
    for spine in panel.spines.values():
        spine.set_edgecolor(GRID)
    if each.values.size <= _MOST_CELLS_WITH_FIGURES and len(each.columns) <= _WIDEST_OF_TWO:
        _write_figures(panel, each, maps)
    return image


def _write_figures(panel: "Axes", each: HeatMap, maps: HeatMaps) -> None:
    for row, of_row in enumerate(each.values.tolist()):
        for column, value in enumerate(of_row):
            if math.isfinite(value):
                ink = "white" if _is_dark(value, maps) else INK
                content = short_figure(value)
                panel.text(column, row, content, ha="center", va="center", fontsize=5.5, color=ink)


def _is_dark(value: float, maps: HeatMaps) -> bool:
    low, high = maps.limits
    if maps.kind == "size":  # viridis begins dark
        return value <= 0 or math.log(value / low) < 0.5 * math.log(high / low)
    return abs(value) > 0.6 * high


def short_figure(value: float) -> str:
    """Two digits or a whole number: short_figure(0.0123) -> "0.01", short_figure(1234.5) -> "1,234"."""
    shown = f"{value:,.0f}" if abs(value) >= 99.5 else f"{value:.1f}" if abs(value) >= 9.95 else f"{value:.2f}"
    return shown.replace("-0.00", "0.00")


def _colours(maps: HeatMaps) -> dict[str, Any]:
    from matplotlib.colors import LogNorm, Normalize

    low, high = maps.limits
    if maps.kind == "signed":
        return {"cmap": "RdBu", "norm": Normalize(low, high)}
    if maps.kind != "size":
        return {"cmap": "Blues", "norm": Normalize(low, high)}
    return {"cmap": "viridis", "norm": LogNorm(low, high)}


def _scale(panels: "list[Axes]", image: "ScalarMappable", maps: HeatMaps) -> None:
    bar = panels[0].figure.colorbar(image, ax=panels, fraction=0.03, pad=0.012, aspect=18)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=FAINT_INK, labelsize=8, length=0, which="both")
    bar.set_label(maps.label, color=FAINT_INK, fontsize=8)


def _short(label: str) -> str:
    short = printable(label)
    return short if len(short) <= _LONGEST_LABEL else f"{short[: _LONGEST_LABEL - 1]}…"


def map_content(maps: HeatMaps) -> dict[str, Any]:
    """The maps as heat_maps.js reads them; figures in four digits, null where there is nothing."""
    low, high = maps.limits
    return {
        "kind": maps.kind,
        "low": low,
        "high": high,
        "label": maps.label,
        "maps": [
            {
                "title": each.title,
                "rows": list(each.rows),
                "columns": list(each.columns),
                "down": each.down,
                "across": each.across,
                "values": [[_rounded(value) for value in row] for row in each.values.tolist()],
            }
            for each in maps.maps
        ],
        "notes": [{"heading": heading, "lines": list(lines)} for heading, lines in maps.notes],
    }


def _rounded(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _write_page(maps: HeatMaps, output: str | Path) -> None:
    write_page(
        output,
        title=maps.title,
        eyebrow=maps.eyebrow,
        lead=maps.line,
        script="heat_maps.js",
        shared=("maps.js",),
        content=map_content(maps),
    )
