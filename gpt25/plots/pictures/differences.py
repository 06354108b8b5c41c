"""Two checkpoints compared as a picture: change, direction, norms and singular spectra, layer by layer."""

import math
from collections.abc import Sequence
from math import inf, isfinite, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt25.plots.page import write_page
from gpt25.plots.pictures.drawing import (
    COLOURS,
    FAINT_INK,
    INK,
    lighten_frame,
    make_logarithmic,
    new_figure,
    plain_number,
    title_panel,
)
from gpt25.plots.pictures.panels import extra_inches, figure_of, given_panels, head_figure, head_panel
from gpt25.plots.pictures.spectra import draw_spectra
from gpt25.plots.pictures.tensor_pair import TensorPair
from gpt25.plots.pictures.write_drawing import write_drawing

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_MOST_POINTS_OF_A_SPECTRUM = 200
_SPECTRA_IN_A_ROW = 4
_WIDTH = 12.0
_LINE = (
    "How far B has moved from A, layer by layer; below, over how many directions each kind of matrix is spread. Where "
    "the last row leaves 1, B is stronger (above) or weaker (below) than A."
)
_LINE_OF_CHANGE = "How far each tensor of B has moved from A's, as a share of its size: 0 has not moved at all."
_LEAD = (
    "The same tensors in two checkpoints: how far the second has moved from the first, whether it still points the "
    "same way, how large both are, and how their strength is spread over directions (singular values)."
)


def draw_differences(pairs: Sequence[TensorPair], output: str | Path, *, name_a: str, name_b: str) -> None:
    """Draw how two checkpoints differ into a .png, .svg or .html file, atomically.

    Pictures show the matrices; a page also the vectors. Raises StorageError where `output` cannot be written.
    """
    write_drawing(
        output,
        page=lambda file: _write_page(pairs, file, name_a=name_a, name_b=name_b),
        figure=lambda: differences_figure(pairs, name_a=name_a, name_b=name_b),
    )


def differences_figure(
    pairs: Sequence[TensorPair], *, name_a: str, name_b: str, axes: "Axes | Sequence[Axes] | None" = None
) -> "Figure":
    """Three panels against the layers; below, for each kind of matrix, both spectra and by how much they differ.

    axes: one Axes for the relative change alone, or three for change, direction and norms, without the spectra.
    Raises PlotError for other axes.
    """
    matrices = [pair for pair in pairs if pair.spectrum_a is not None]
    title = f"A: {name_a}    B: {name_b}"
    if axes is not None:
        panels = given_panels(axes, 1, 3)
        _draw_against_layers(panels, matrices)
        panels[0].legend(fontsize=8, frameon=False, labelcolor=INK)
        if len(panels) == 1:
            head_panel(panels[0], title, _LINE_OF_CHANGE)
        return figure_of(panels[0])
    parts = _parts(matrices)
    rows = math.ceil(len(parts) / _SPECTRA_IN_A_ROW) or 1
    figure = new_figure(_WIDTH, 4.2 + 5.4 * rows + extra_inches(_LINE, _WIDTH))
    body = head_figure(figure, title, _LINE)
    above, *below = body.subfigures(1 + rows, 1, squeeze=False, height_ratios=[3.6] + [5.4] * rows)[:, 0]
    panels = list(above.subplots(1, 3))
    _draw_against_layers(panels, matrices)
    handles, labels = panels[0].get_legend_handles_labels()
    above.legend(handles, labels, loc="outside lower left", ncols=5, fontsize=9, frameon=False, labelcolor=INK)
    for row, room in enumerate(below):
        some = parts[row * _SPECTRA_IN_A_ROW : (row + 1) * _SPECTRA_IN_A_ROW]
        draw_spectra(room, {_plain(part): [pair for pair in matrices if pair.part == part] for part in some})
    return figure


def _parts(matrices: Sequence[TensorPair]) -> list[str]:
    """The kinds of matrices that blocks have."""
    return list(dict.fromkeys(pair.part for pair in matrices if pair.layer is not None))


def _draw_against_layers(panels: "Sequence[Axes]", matrices: Sequence[TensorPair]) -> None:
    """Relative change, and where there are panels for them direction and norm."""
    parts = _parts(matrices)
    outside = [pair for pair in matrices if pair.layer is None]
    change, *others = panels
    _draw_layers(change, matrices, parts, outside, "relative_change", "Relative change", "‖B − A‖ / ‖A‖")
    furthest = max((pair.relative_change for pair in matrices if pair.relative_change < inf), default=0.0)
    change.set_ylim(0, 1.08 * furthest or 1.0)
    if others:
        direction, norms = others
        _draw_layers(direction, matrices, parts, outside, "degrees", "Direction", "angle of A and B in degrees")
        _draw_layers(norms, matrices, parts, outside, "norm_b", "Norm", "B; A dashed")
        _draw_layers(norms, matrices, parts, outside, "norm_a", dashed=True)
        make_logarithmic(norms)


def _draw_layers(
    panel: "Axes",
    matrices: Sequence[TensorPair],
    parts: Sequence[str],
    outside: Sequence[TensorPair],
    field: str,
    title: str = "",
    remark: str = "",
    *,
    dashed: bool = False,
) -> None:
    """A line through the layers for each part, marks left of them for the embeddings."""
    from matplotlib.ticker import FuncFormatter

    style: dict[str, Any] = {"linestyle": (0, (3, 2)), "alpha": 0.6} if dashed else {"linestyle": "-"}
    marker = "" if dashed else "o"
    for number, part in enumerate(parts):
        alike = [pair for pair in matrices if pair.part == part]
        places = [pair.layer for pair in alike if pair.layer is not None]
        values = [getattr(pair, field) for pair in alike]
        label = None if dashed else _plain(part)
        panel.plot(places, values, color=COLOURS[number], marker=marker, markersize=3.5, label=label, **style)
    if title:
        for place, pair in enumerate(outside, start=-len(outside)):
            panel.plot([place], [getattr(pair, field)], color=INK, marker="D", markersize=5, linestyle="none")
        names = [_short_name(pair.part) for pair in outside]
        layers = sorted({pair.layer for pair in matrices if pair.layer is not None})
        step = max(1, len(layers) // 8)
        ticks = [*range(-len(outside), 0), *layers[::step]]
        panel.set_xticks(ticks, [*names, *(str(layer) for layer in layers[::step])])
        for tick in panel.get_xticklabels()[: len(outside)]:
            tick.set_rotation(90)
        panel.set_xlim(-len(outside) - 0.6, max(layers, default=0) + 0.6)
        title_panel(panel, title, remark)
        lighten_frame(panel)
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))
        panel.set_xlabel("layer", color=FAINT_INK, fontsize=9)


def _plain(part: str) -> str:
    """_plain("attention.query_key_value.weight") -> "attention: query key value"."""
    return (
        part.removesuffix(".weight")
        .replace("multi_layer_perceptron", "perceptron")
        .replace("_", " ")
        .replace(".", ": ")
    )


def _short_name(part: str) -> str:
    """_short_name("word_token_embeddings.weight") -> "tokens"."""
    return {"word_token_embeddings.weight": "tokens", "word_positional_embeddings.weight": "positions"}.get(part, part)


def _write_page(pairs: Sequence[TensorPair], output: str | Path, *, name_a: str, name_b: str) -> None:
    """The same as a page: every tensor in a table, its spectrum on demand."""
    content = {
        "names": [name_a, name_b],
        "tensors": [
            {
                "name": pair.name,
                "part": pair.part,
                "layer": pair.layer,
                "norms": [pair.norm_a, pair.norm_b],
                "change": pair.relative_change if isfinite(pair.relative_change) else None,
                "cosine": None if isnan(pair.cosine) else pair.cosine,
                "spectra": None
                if pair.spectrum_a is None or pair.spectrum_b is None
                else [_downsampled(pair.spectrum_a), _downsampled(pair.spectrum_b)],
            }
            for pair in pairs
        ],
    }
    title = f"{name_b} against {name_a}"
    write_page(output, title=title, eyebrow="two checkpoints", lead=_LEAD, script="differences.js", content=content)


def _downsampled(values: "NDArray[np.float64]") -> list[list[float]]:
    """At most 200 of the values, each with its index, in four digits."""
    step = max(1, len(values) // _MOST_POINTS_OF_A_SPECTRUM)
    return [[place, float(f"{values[place]:.4g}")] for place in range(0, len(values), step)]
