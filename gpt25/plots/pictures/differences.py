"""Two checkpoints compared as a picture: change, direction, norms and singular spectra, layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt25.plots.page import write_page
from gpt25.plots.pictures.drawing import (
    COLOURS,
    FAINT_INK,
    INK,
    figure_bytes,
    lighten_frame,
    literal,
    make_logarithmic,
    new_figure,
    printable,
    title_panel,
)
from gpt25.plots.pictures.picture_format import picture_format
from gpt25.storage import write_bytes

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_MOST_POINTS_OF_A_SPECTRUM = 200
_LEAD = (
    "The same tensors in two checkpoints: how far the second has moved from the first, whether it still points the "
    "same way, how large both are, and how their strength is spread over directions (singular values)."
)


@dataclass(frozen=True)
class TensorPair:
    """One tensor of two checkpoints, in figures."""

    name: str
    """What it is called as a whole."""
    part: str
    """What it is within its block, the same for all blocks: "attention.projection.weight"."""
    layer: int | None
    """The number of its block; None outside the blocks."""
    norm_a: float
    norm_b: float
    relative_change: float
    """Norm of the difference over that of the first; may be infinite."""
    cosine: float
    """May be NaN."""
    spectrum_a: "NDArray[np.float64] | None"
    """Singular values, largest first; None for a vector."""
    spectrum_b: "NDArray[np.float64] | None"


def draw_differences(pairs: Sequence[TensorPair], output: str | Path, *, name_a: str, name_b: str) -> None:
    """Draw how two checkpoints differ into a .png, .svg or .html file, atomically.

    Pictures show the matrices; a page also the vectors. Raises StorageError where `output` cannot be written.
    """
    file_format = picture_format(output)
    if file_format == "html":
        _write_page(pairs, output, name_a=name_a, name_b=name_b)
    else:
        write_bytes(output, figure_bytes(_figure(pairs, name_a=name_a, name_b=name_b), file_format))


def _figure(pairs: Sequence[TensorPair], *, name_a: str, name_b: str) -> "Figure":
    """Three panels against the layers, and one spectrum for each kind of matrix."""
    matrices = [pair for pair in pairs if pair.spectrum_a is not None]
    parts = list(dict.fromkeys(pair.part for pair in matrices if pair.layer is not None))
    outside = [pair for pair in matrices if pair.layer is None]
    figure = new_figure(4.4 * max(3, len(parts)), 8.6)
    above, below = figure.subfigures(2, 1, squeeze=False)[:, 0]
    change, direction, norms = above.subplots(1, 3)
    _draw_layers(change, matrices, parts, outside, "relative_change", "Relative change", "‖B − A‖ / ‖A‖")
    furthest = max((pair.relative_change for pair in matrices if pair.relative_change < inf), default=0.0)
    change.set_ylim(0, 1.08 * furthest or 1.0)
    _draw_layers(direction, matrices, parts, outside, "cosine", "Direction", "cosine of A and B")
    _draw_layers(norms, matrices, parts, outside, "norm_b", "Norm", "B; A dashed")
    _draw_layers(norms, matrices, parts, outside, "norm_a", dashed=True)
    make_logarithmic(norms)
    handles, labels = change.get_legend_handles_labels()
    above.legend(handles, labels, loc="outside lower left", ncols=5, fontsize=9, frameon=False, labelcolor=INK)
    spectra = below.subplots(1, max(1, len(parts)), squeeze=False)[0]
    for panel, part in zip(spectra, parts, strict=True):
        _draw_spectra(panel, [pair for pair in matrices if pair.part == part], part)
    title = f"A: {name_a}    B: {name_b}"
    literal(figure.suptitle(printable(title), x=0.01, ha="left", color=INK, fontsize=12, fontweight="bold"))
    return figure


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
        panel.set_xlabel("layer", color=FAINT_INK, fontsize=9)


def _draw_spectra(panel: "Axes", pairs: Sequence[TensorPair], part: str) -> None:
    """The singular values of one kind of matrix, all layers: the first checkpoint grey, the second in colour."""
    for pair in pairs:
        assert pair.spectrum_a is not None
        assert pair.spectrum_b is not None
        first = pair is pairs[0]
        panel.plot(_drawable(pair.spectrum_a), color="#9aa3b2", linewidth=0.9, label="A" if first else None)
        panel.plot(_drawable(pair.spectrum_b), color=COLOURS[0], linewidth=0.9, alpha=0.6, label="B" if first else None)
    make_logarithmic(panel)
    title_panel(panel, _plain(part))
    lighten_frame(panel)
    panel.set_xlabel("singular value, largest first, each layer a line", color=FAINT_INK, fontsize=9)
    panel.legend(loc="lower left", fontsize=9, frameon=False, labelcolor=INK)


def _drawable(values: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Without what is zero or only rounding, which a logarithmic axis cannot show or would drown in."""
    import numpy as np

    return np.where(values > 1e-7 * values.max(initial=0.0), values, np.nan)


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
