"""The logit lens as a picture: what each layer would say next, at each position."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gpt25.plots.formatting import percentage
from gpt25.plots.page import write_page
from gpt25.plots.pictures.drawing import FAINT_INK, INK, literal, new_figure, printable
from gpt25.plots.pictures.panels import extra_inches, figure_of, given_panels, head_figure, head_panel
from gpt25.plots.pictures.write_drawing import write_drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POSITIONS_IN_A_ROW = 16
_CELL_WIDTH, _CELL_HEIGHT = 0.86, 0.36  # inches
_STRIP_MARGIN = 0.75
_HIGHEST_INCHES = 90.0
_LONGEST_LABEL = 9
_LINE = (
    "Read upwards: how a token (below) turns into the one that follows (above). The darker a cell, the surer the model "
    "would be if it stopped there."
)
_LEAD = (
    "The logit lens: the residual stream after every layer, read as the head reads it after the last one. A cell "
    "holds the token that the model would say next if it stopped there; the darker, the surer it is."
)


@dataclass(frozen=True)
class PredictionsOfText:
    """What each layer would say next, at each position of one text."""

    name: str
    """What the model is called."""
    tokens: Sequence[str]
    """A label for each token of the text."""
    candidates: Sequence[Sequence[Sequence[tuple[str, float]]]]
    """candidates[l][t]: labels and probabilities of the likeliest next tokens, likeliest first; l = 0 is before the
    first layer."""

    @property
    def layers(self) -> list[str]:
        """What each row is: the embeddings, and each layer by its number."""
        return ["embeddings", *(f"layer {number}" for number in range(len(self.candidates) - 1))]


def positions_that_fit(layers: int) -> int:
    """How many of a text's positions a picture (not a page) has room for, with `layers` rows of cells each."""
    strips = int(_HIGHEST_INCHES / (layers * _CELL_HEIGHT + _STRIP_MARGIN))
    return max(1, strips) * _POSITIONS_IN_A_ROW


def draw_predictions(predictions: PredictionsOfText, output: str | Path) -> None:
    """Draw what each layer would say, the last layer on top, into a .png, .svg or .html file, atomically.

    A picture breaks a long text into strips, like lines; of a text longer than `positions_that_fit` it shows the end.
    A page shows all of it. Raises StorageError where `output` cannot be written.
    """
    write_drawing(
        output, page=lambda file: _write_page(predictions, file), figure=lambda: predictions_figure(predictions)
    )


def predictions_figure(predictions: PredictionsOfText, *, axes: "Axes | None" = None) -> "Figure":
    """What each layer would say, the last layer on top, in a figure of its own or, in one strip, on given axes.

    Raises PlotError for axes that are not one Axes.
    """
    time, rows = len(predictions.tokens), len(predictions.candidates)
    if axes is not None:
        (panel,) = given_panels(axes, 1)
        _draw_strip(panel, predictions, start=0, across=time)
        head_panel(panel, _title(predictions), _LINE)
        return figure_of(panel)
    first = max(0, time - positions_that_fit(rows))
    strips = math.ceil((time - first) / _POSITIONS_IN_A_ROW)
    across = min(time - first, _POSITIONS_IN_A_ROW)
    width = max(6.0, 1.3 + across * _CELL_WIDTH)
    height = 0.5 + strips * (rows * _CELL_HEIGHT + _STRIP_MARGIN) + extra_inches(_LINE, width)
    figure = new_figure(width, height, dots_per_inch=150)
    left_out = f" (the last {time - first:,} of {time:,} tokens)" if first else ""
    body = head_figure(figure, _title(predictions) + left_out, _LINE)
    for strip, panel in enumerate(body.subplots(strips, 1, squeeze=False)[:, 0]):
        _draw_strip(panel, predictions, start=first + strip * _POSITIONS_IN_A_ROW, across=across)
    return figure


def _title(predictions: PredictionsOfText) -> str:
    return f"{predictions.name}: what each layer would say next"


def _draw_strip(panel: "Axes", predictions: PredictionsOfText, *, start: int, across: int) -> None:
    """Cells for `across` positions from `start` on, the tokens that are read below, those that really follow above."""
    import numpy as np
    from matplotlib.colors import PowerNorm

    end = min(start + across, len(predictions.tokens))
    rows = len(predictions.candidates)
    probabilities = np.full((rows, across), np.nan)
    for row, of_layer in enumerate(predictions.candidates):
        for place in range(start, end):
            label, probability = of_layer[place][0]
            probabilities[row, place - start] = probability
            ink = "white" if probability > 0.4 else INK
            for content, size, height in ((_short(label), 7.5, 0.15), (percentage(probability), 6, -0.25)):
                cell = panel.text(
                    place - start, row + height, content, ha="center", va="center", fontsize=size, color=ink
                )
                literal(cell).set_fontfamily("DejaVu Sans Mono")
    panel.imshow(probabilities, cmap="Blues", norm=PowerNorm(0.6, 0, 1), aspect="auto", origin="lower")
    panel.set_yticks(range(rows), predictions.layers)
    places = range(end - start)
    for tick in panel.set_xticks(places, [_short(label) for label in predictions.tokens[start:end]]):
        literal(tick.label1)
    panel.tick_params(length=0, labelsize=8, labelcolor=FAINT_INK)
    panel.tick_params(axis="x", labelcolor=INK, labelfontfamily="DejaVu Sans Mono")
    following = [_short(label) for label in predictions.tokens[start + 1 : end + 1]]
    above = panel.secondary_xaxis("top")
    for tick in above.set_xticks(range(len(following)), following):
        literal(tick.label1)
        literal(tick.label2)
    above.tick_params(length=0, labelsize=8, labelcolor=FAINT_INK, labelfontfamily="DejaVu Sans Mono")
    above.set_ylabel("")
    panel.set_xlabel(f"reads (from token {start})", color=FAINT_INK, fontsize=8, loc="left")
    above.set_xlabel("what follows in the text", color=FAINT_INK, fontsize=8, loc="left")
    for spine in [*panel.spines.values(), *above.spines.values()]:
        spine.set_visible(False)


def _short(label: str) -> str:
    short = printable(label)
    return short if len(short) <= _LONGEST_LABEL else f"{short[: _LONGEST_LABEL - 1]}…"


def _write_page(predictions: PredictionsOfText, output: str | Path) -> None:
    """The same as a page: all candidates with their probabilities under the pointer."""
    vocabulary = sorted({label for of_layer in predictions.candidates for cell in of_layer for label, _ in cell})
    index_of = {label: index for index, label in enumerate(vocabulary)}
    content = {
        "tokens": list(predictions.tokens),
        "layers": predictions.layers,
        "vocabulary": vocabulary,
        "candidates": [
            [[[index_of[label], round(probability, 5)] for label, probability in cell] for cell in of_layer]
            for of_layer in predictions.candidates
        ],
    }
    write_page(
        output, title=_title(predictions), eyebrow="logit lens", lead=_LEAD, script="predictions.js", content=content
    )
