"""Positional embeddings as a picture: the matrix, some of its columns, similarity and spectrum; models side by side."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt25.errors import PlotError
from gpt25.plots.formatting import two_digits
from gpt25.plots.page import write_page
from gpt25.plots.page_arrays import quantised
from gpt25.plots.pictures.drawing import (
    COLOURS,
    FAINT_INK,
    GRID,
    INK,
    lighten_frame,
    new_figure,
    printable,
    title_panel,
)
from gpt25.plots.pictures.figure_bytes import figure_bytes
from gpt25.plots.pictures.panels import extra_inches, figure_of, given_panels, head_figure, head_panel
from gpt25.plots.pictures.write_drawing import write_drawing

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_BRIGHTEST = 0.99  # grey reaches black and white at this quantile of the magnitudes; a few values are far larger
_TITLE_CHARACTERS_PER_INCH = 9  # of 12 bold points
_LINE = (
    "Smooth waves are what training has learned of positions; grain from one position to the next is what it has not "
    "reached yet. Near positions are alike (red), and slow waves hold more of the variance than noise would."
)
_LINE_OF_IMAGE = (
    "A row is a position, a column a channel. Stripes that change slowly from top to bottom have been learned; grain "
    "is what training has not reached yet."
)
_LINE_OF_CURVES = (
    "Some channels over all positions: smooth waves have been learned, noise from one position to the next has "
    "not been trained away yet."
)
_LEAD = (
    "What the model adds to a token to say where it stands. Trained on enough text, every column becomes a smooth "
    "curve, much like a sinusoid; noise from position to position is what training has not yet reached."
)


@dataclass(frozen=True)
class PositionsOfModel:
    """What is drawn of one model's positional embeddings."""

    name: str
    embeddings: "NDArray[np.float32]"
    """(positions, channels)."""
    similarity: "NDArray[np.float32]"
    """Cosine of every position with every other, (positions, positions)."""
    spectrum: "NDArray[np.float32]"
    """Fraction of each column's variance by frequency (normalised power spectrum), (positions // 2 + 1, channels)."""
    roughness: "NDArray[np.float64]"
    """Fraction of noise in each column's variance, (channels)."""
    overall_roughness: float
    """The same for all columns together."""

    @property
    def headline(self) -> str:
        """The name and the one figure."""
        return f"{self.name}: roughness {two_digits(self.overall_roughness)}"


def draw_positions(
    models: Sequence[PositionsOfModel], output: str | Path, *, columns: Sequence[int], verdict: str
) -> None:
    """Draw one model's positions, or several models' side by side, into a .png, .svg or .html file, atomically.

    columns: the channels whose curves are drawn. verdict: what the roughness says, as a sentence.
    Raises PlotError for a column that a model lacks, and StorageError where `output` cannot be written.
    """

    def page(file: str | Path) -> None:
        require_columns(models, columns)
        _write_page(models, file, columns=columns, verdict=verdict)

    write_drawing(output, page=page, figure=lambda: positions_figure(models, columns=columns, verdict=verdict))


def positions_figure(
    models: Sequence[PositionsOfModel],
    *,
    columns: Sequence[int],
    verdict: str,
    axes: "Axes | Sequence[Axes] | None" = None,
) -> "Figure":
    """Four panels to a model: two by two where there is one model, one above the other where there are several.

    axes: of one model, one Axes for the curves, or four for matrix, curves, similarity and spectrum.
    Raises PlotError for a column that a model lacks, and for other axes.
    """
    require_columns(models, columns)
    if axes is not None:
        (model,) = models
        panels = given_panels(axes, 1, 4)
        if len(panels) == 1:
            _draw_curves(panels[0], model, columns=columns)
            head_panel(panels[0], f"{model.name}: positional embeddings", _LINE_OF_CURVES)
        else:
            _draw_model(panels, model, columns=columns)
        return figure_of(panels[0])
    alone = len(models) == 1
    width, height = (12.0, 10.0) if alone else (5.6 * len(models), 16.6)
    figure = new_figure(width, height + extra_inches(_LINE, width))
    body = head_figure(figure, textwrap.fill(verdict, int(_TITLE_CHARACTERS_PER_INCH * width)), _LINE)
    grid = body.subplots(2, 2) if alone else body.subplots(4, len(models))
    for number, model in enumerate(models):
        _draw_model(grid.flat if alone else grid[:, number], model, columns=columns, headline=not alone)
    return figure


def position_image_figure(model: PositionsOfModel, *, axes: "Axes | None" = None) -> "Figure":
    """The positional embeddings as a greyscale image, in a figure of its own or on given axes.

    Raises PlotError for axes that are not one Axes.
    """
    title = f"{model.name}: positional embeddings"
    if axes is not None:
        (panel,) = given_panels(axes, 1)
        _draw_matrix(panel, model, title="")
        head_panel(panel, title, _LINE_OF_IMAGE)
        return figure_of(panel)
    figure = new_figure(8.0, 6.0)
    _draw_matrix(head_figure(figure, title, _LINE_OF_IMAGE).subplots(), model, title="")
    return figure


def require_columns(models: Sequence[PositionsOfModel], columns: Sequence[int]) -> None:
    """Raise PlotError for a column that one of the models lacks."""
    for model in models:
        channels = model.embeddings.shape[1]
        for column in columns:
            if not 0 <= column < channels:
                raise PlotError(f"column is {column}; {model.name} has the columns 0 to {channels - 1:,}.")


def _draw_model(
    panels: "Iterable[Axes]", model: PositionsOfModel, *, columns: Sequence[int], headline: bool = False
) -> None:
    matrix, curves, similarity, spectrum = panels
    _draw_matrix(matrix, model, title=model.headline if headline else "Positional embeddings")
    _draw_curves(curves, model, columns=columns)
    _draw_similarity(similarity, model)
    _draw_spectrum(spectrum, model, columns=columns)


def _draw_matrix(panel: "Axes", model: PositionsOfModel, *, title: str) -> None:
    import numpy as np

    limit = float(np.quantile(abs(model.embeddings), _BRIGHTEST)) or 1.0
    image = panel.imshow(model.embeddings, cmap="gray", vmin=-limit, vmax=limit, aspect="auto")
    if title:
        title_panel(panel, printable(title))
    _label_axes(panel, "column (channel)", "position")
    _colour_bar(panel, image)


def matrix_picture(model: PositionsOfModel) -> bytes:
    """The embeddings alone as a small greyscale PNG without labels, for a page."""
    import numpy as np

    figure = new_figure(5.0, 3.2, dots_per_inch=110)
    panel = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    limit = float(np.quantile(abs(model.embeddings), _BRIGHTEST)) or 1.0
    panel.imshow(model.embeddings, cmap="gray", vmin=-limit, vmax=limit, aspect="auto")
    panel.set_axis_off()
    return figure_bytes(figure, "png")


def _draw_curves(panel: "Axes", model: PositionsOfModel, *, columns: Sequence[int]) -> None:
    highest = float(abs(model.embeddings[:, list(columns)]).max(initial=0.0)) or 1.0
    for number, column in enumerate(columns):
        label = f"column {column}, roughness {two_digits(float(model.roughness[column]))}"
        colour = COLOURS[number % len(COLOURS)]
        panel.plot(model.embeddings[:, column], color=colour, linewidth=1.1, label=label)
    panel.set_ylim(-1.08 * highest, 1.45 * highest)  # room for the legend above the curves
    panel.set_xlim(0, len(model.embeddings) - 1)
    title_panel(panel, "Columns as curves")
    lighten_frame(panel)
    _label_axes(panel, "position", "value")
    panel.legend(loc="upper left", fontsize=8.5, frameon=False, labelcolor=INK, ncols=1 if len(columns) < 5 else 2)


def _draw_similarity(panel: "Axes", model: PositionsOfModel) -> None:
    image = panel.imshow(model.similarity, cmap="RdBu_r", vmin=-1, vmax=1, aspect="equal")
    title_panel(panel, "Similarity of positions", "cosine")
    _label_axes(panel, "position", "position")
    _colour_bar(panel, image)


def _draw_spectrum(panel: "Axes", model: PositionsOfModel, *, columns: Sequence[int]) -> None:
    """The power spectrum on logarithmic axes, with the line on which white noise would lie."""
    import numpy as np

    frequencies = np.arange(1, len(model.spectrum))
    weights = model.embeddings.var(axis=0, dtype=np.float64)  # (channels)
    mean = model.spectrum[1:] @ (weights / (weights.sum() or 1.0))  # (positions // 2)
    for number, column in enumerate(columns):
        colour = COLOURS[number % len(COLOURS)]
        panel.plot(frequencies, model.spectrum[1:, column], color=colour, linewidth=0.8, alpha=0.7)
    panel.plot(frequencies, mean, color=INK, linewidth=2.0, label="all columns, by their variance")
    noise = 1 / len(frequencies)
    panel.axhline(noise, color=FAINT_INK, linewidth=1.0, linestyle=(0, (4, 3)), label="white noise")
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_ylim(noise * 1e-4, 2.0)
    panel.set_xlim(1, max(2, len(frequencies)))
    title_panel(panel, "Spectrum", "share of the variance")
    lighten_frame(panel, grid="both")
    _label_axes(panel, f"waves over all {len(model.embeddings):,} positions", "")
    panel.legend(loc="upper right", fontsize=8.5, frameon=False, labelcolor=INK)


def _label_axes(panel: "Axes", across: str, down: str) -> None:
    panel.set_xlabel(across, color=FAINT_INK, fontsize=9)
    panel.set_ylabel(down, color=FAINT_INK, fontsize=9)
    panel.tick_params(colors=FAINT_INK, labelsize=8.5, length=0, which="both")
    for spine in panel.spines.values():
        spine.set_edgecolor(GRID)


def _colour_bar(panel: "Axes", image: Any) -> None:
    bar = panel.get_figure().colorbar(image, ax=panel, fraction=0.04, pad=0.01)  # type: ignore[union-attr]
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=FAINT_INK, labelsize=8, length=0)


def _write_page(
    models: Sequence[PositionsOfModel], output: str | Path, *, columns: Sequence[int], verdict: str
) -> None:
    """The same as a page: every value under the pointer, any column, any position."""
    content = {
        "columns": list(columns),
        "models": [
            {
                "name": model.name,
                "headline": model.headline,
                "embeddings": quantised(model.embeddings),
                "similarity": quantised(model.similarity),
                "spectrum": quantised(model.spectrum),
                "roughness": [two_digits(float(value)) for value in model.roughness],
            }
            for model in models
        ],
    }
    write_page(
        output, title=verdict, eyebrow="positional embeddings", lead=_LEAD, script="positions.js", content=content
    )
