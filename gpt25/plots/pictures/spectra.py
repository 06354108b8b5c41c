"""Singular values of two checkpoints: both spectra of each kind of matrix, and the second over the first."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gpt25.plots.pictures.drawing import COLOURS, FAINT_INK, INK, lighten_frame, make_logarithmic, title_panel
from gpt25.plots.pictures.tensor_pair import TensorPair

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure
    from numpy.typing import NDArray

_COLOUR_OF_A, _COLOUR_OF_B = INK, COLOURS[1]
_ROUNDING = 1e-7  # of the largest singular value: what is smaller is zero or only rounding
_NARROWEST = 1e-3  # ratios closer together than this are not spread over the whole panel


def draw_spectra(figure: "SubFigure", pairs_of: Mapping[str, Sequence[TensorPair]]) -> None:
    """A column to each kind of matrix: above its spectra of A and B, below B over A, a line to a layer.

    Of several layers the spectra are medians, with a band from the smallest to the largest.
    """
    columns = max(1, len(pairs_of))
    spectra, ratios = figure.subplots(2, columns, squeeze=False)
    for number, (kind, pairs) in enumerate(pairs_of.items()):
        _draw_both(spectra[number], kind, pairs, first=number == 0)
        _draw_ratios(ratios[number], pairs, first=number == 0)
    _draw_layers_key(figure, list(ratios), pairs_of)


def _draw_both(panel: "Axes", kind: str, pairs: Sequence[TensorPair], *, first: bool) -> None:
    import numpy as np

    for name, colour, style, stacked in (
        ("A", _COLOUR_OF_A, (0, (4, 2)), np.stack([_drawable(pair.spectrum_a) for pair in pairs])),
        ("B", _COLOUR_OF_B, "-", np.stack([_drawable(pair.spectrum_b) for pair in pairs])),
    ):
        places = np.arange(stacked.shape[1])
        known = ~np.isnan(stacked).any(axis=0)
        if len(pairs) > 1 and known.any():
            low, high = stacked[:, known].min(axis=0), stacked[:, known].max(axis=0)
            panel.fill_between(places[known], low, high, color=colour, alpha=0.12, linewidth=0)
        middle = np.median(stacked, axis=0)
        label = f"{name}, median of layers" if len(pairs) > 1 else name
        order = 3 if name == "A" else 2  # dashes over the line, so that both show where they are equal
        panel.plot(places, middle, color=colour, linestyle=style, linewidth=1.6, label=label, zorder=order)
    make_logarithmic(panel)
    title_panel(panel, kind)
    lighten_frame(panel)
    if first:
        panel.set_ylabel("singular value", color=FAINT_INK, fontsize=9)
    panel.legend(loc="lower left", fontsize=8.5, frameon=False, labelcolor=INK)


def _draw_ratios(panel: "Axes", pairs: Sequence[TensorPair], *, first: bool) -> None:
    import numpy as np

    furthest = _NARROWEST
    for pair, colour in zip(pairs, _layer_colours(pairs), strict=True):
        ratio = _drawable(pair.spectrum_b) / _drawable(pair.spectrum_a)
        panel.plot(ratio, color=colour, linewidth=0.9, alpha=0.85)
        known = ratio[np.isfinite(ratio)]
        if len(known):
            furthest = max(furthest, float(np.quantile(abs(known - 1), 0.99)))
    panel.axhline(1, color=FAINT_INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    panel.set_ylim(1 - 1.15 * min(furthest, 0.85), 1 + 1.15 * furthest)
    panel.ticklabel_format(axis="y", useOffset=False, style="plain")
    lighten_frame(panel)
    panel.set_xlabel("singular value, largest first", color=FAINT_INK, fontsize=9)
    if first:
        panel.set_ylabel("B over A, layer by layer", color=FAINT_INK, fontsize=9)


def _draw_layers_key(figure: "SubFigure", panels: "list[Axes]", pairs_of: Mapping[str, Sequence[TensorPair]]) -> None:
    """Which colour is which layer, where there is more than one."""
    layers = sorted({pair.layer for pairs in pairs_of.values() for pair in pairs if pair.layer is not None})
    if len(layers) < 2:
        return
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colours = ScalarMappable(Normalize(layers[0], layers[-1]), _colour_map())
    bar = figure.colorbar(colours, ax=panels, fraction=0.015, pad=0.01, ticks=[layers[0], layers[-1]])
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=FAINT_INK, labelsize=8, length=0)
    bar.set_label("layer", color=FAINT_INK, fontsize=8.5)


def _layer_colours(pairs: Sequence[TensorPair]) -> list[Any]:
    last = max((pair.layer or 0 for pair in pairs), default=0) or 1
    colours = _colour_map()
    return [colours((pair.layer or 0) / last) for pair in pairs]


def _colour_map() -> Any:
    """From light to dark, without viridis' yellow, which white paper swallows."""
    import numpy as np
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps["viridis_r"](np.linspace(0.15, 1, 256)))


def _drawable(values: "NDArray[np.float64] | None") -> "NDArray[np.float64]":
    """Without what is zero or only rounding, which a logarithmic axis cannot show or would drown in."""
    import numpy as np

    assert values is not None  # only matrices are drawn
    return np.where(values > _ROUNDING * values.max(initial=0.0), values, np.nan)
