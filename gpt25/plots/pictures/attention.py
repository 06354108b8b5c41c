"""Attention as a picture: one head with its tokens, or a grid of heads."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gpt25.errors import PlotError
from gpt25.plots.page import write_page
from gpt25.plots.page_arrays import quantised
from gpt25.plots.pictures.drawing import FAINT_INK, GRID, INK, figure_bytes, literal, new_figure, printable
from gpt25.plots.pictures.picture_format import picture_format
from gpt25.storage import write_bytes

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_MOST_LABELS = 100
_LONGEST_LABEL = 18
_INCHES_PER_LABEL = 0.17
_TILE = 96  # dots to a side of a head in a grid, where the text has more tokens
_HEADS_IN_A_ROW = 4
_CAPTION_TOKENS = 60
_MOST_VALUES_OF_A_PAGE = 8_000_000  # at 2.7 bytes each about 21 MB of page
_LEAD = (
    "How much each token (a row) draws from itself and the tokens before it (columns): a row adds up to 1. Colours go "
    "by the square root, so that weak links show as well."
)


@dataclass(frozen=True)
class AttentionOfText:
    """The attention weights of some heads on one text."""

    name: str
    """What the model is called."""
    tokens: Sequence[str]
    """A label for each token."""
    layers: Sequence[int]
    """The numbers of the layers."""
    heads: Sequence[int]
    """The numbers of the heads in each layer."""
    weights: "NDArray[np.float32]"
    """(layers, heads, query positions, key positions)."""


def draw_attention(attention: AttentionOfText, output: str | Path) -> None:
    """Draw one head with a label at every token, or several as a grid, into a .png, .svg or .html file, atomically.

    A page holds all the heads and lets one be chosen. Raises PlotError where a page would become too large for a
    browser, and StorageError where `output` cannot be written.
    """
    file_format = picture_format(output)
    if file_format == "html":
        _write_page(attention, output)
    else:
        alone = attention.weights.shape[:2] == (1, 1)
        write_bytes(output, figure_bytes(_head(attention) if alone else _grid(attention), file_format))


def _head(attention: AttentionOfText) -> "Figure":
    """One head, its tokens along both sides; of a long text every second, third … token has its label."""
    from matplotlib.colors import PowerNorm

    time = len(attention.tokens)
    step = math.ceil(time / _MOST_LABELS)
    labels = _labels(attention.tokens, step=step)
    side = min(20.0, max(3.2, _INCHES_PER_LABEL * len(labels)))
    widest = max(map(len, labels)) * 0.085
    figure = new_figure(side + widest + 1.6, side + widest + 1.0)
    panel = figure.subplots()
    image = panel.imshow(
        _causally_masked(attention.weights[0, 0]), cmap="Blues", norm=PowerNorm(0.5, 0, 1), interpolation="nearest"
    )
    places = range(0, time, step)
    for text in [*panel.set_xticks(places, labels, rotation=90), *panel.set_yticks(places, labels)]:
        literal(text.label1)
    panel.tick_params(labelsize=8, labelcolor=INK, length=0, labelfontfamily="DejaVu Sans Mono")
    _frame(panel)
    if time <= 60:  # hairlines lead the eye from a cell to its tokens
        panel.set_xticks([place - 0.5 for place in range(1, time)], minor=True)
        panel.set_yticks([place - 0.5 for place in range(1, time)], minor=True)
        panel.grid(which="minor", color="#f1f2f5", linewidth=0.5)
        panel.tick_params(which="minor", length=0)
    panel.set_xlabel("looks at", color=FAINT_INK, fontsize=9)
    panel.set_ylabel("token", color=FAINT_INK, fontsize=9)
    bar = figure.colorbar(image, ax=panel, fraction=0.035, pad=0.015, ticks=[0, 0.05, 0.2, 0.5, 1])
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=FAINT_INK, labelsize=8, length=0)
    title = f"{attention.name}: layer {attention.layers[0]}, head {attention.heads[0]}"
    literal(figure.suptitle(printable(title), x=0.01, ha="left", color=INK, fontsize=12, fontweight="bold"))
    return figure


def _grid(attention: AttentionOfText) -> "Figure":
    """All heads as tiles of one image: a row to a layer, or four in a row where there is one layer or one head."""
    from matplotlib.colors import PowerNorm

    layers, heads, time, _ = attention.weights.shape
    tiles = [[(layer, head) for head in range(heads)] for layer in range(layers)]
    if 1 in (layers, heads):
        flat = [tile for row in tiles for tile in row]
        tiles = [flat[start : start + _HEADS_IN_A_ROW] for start in range(0, len(flat), _HEADS_IN_A_ROW)]
    inches = 2.2 if 1 in (layers, heads) else max(0.55, min(1.2, 14 / heads))
    across = len(tiles[0])
    caption = _caption(attention.tokens, columns=max(50, round(across * inches * 14)))
    figure = new_figure(max(6.0, across * inches + 0.8), len(tiles) * inches + 1.0 + 0.17 * (caption.count("\n") + 1))
    panel = figure.subplots()
    image, side = _mosaic(attention.weights, tiles)
    panel.imshow(image, cmap="Blues", norm=PowerNorm(0.5, 0, 1), interpolation="nearest", aspect="equal")
    _frame(panel)
    for spine in panel.spines.values():
        spine.set_visible(False)
    if 1 in (layers, heads):
        panel.set_axis_off()
        for number, (layer, head) in enumerate(tile for row in tiles for tile in row):
            down, right = divmod(number, across)
            label = f"head {attention.heads[head]}" if layers == 1 else f"layer {attention.layers[layer]}"
            panel.text(right * side - 0.5, down * side - 1 - 0.02 * side, label, fontsize=9, color=INK, va="bottom")
    else:
        middle = (side - 1) / 2
        panel.set_xticks([head * side + middle for head in range(heads)], [str(head) for head in attention.heads])
        panel.set_yticks([layer * side + middle for layer in range(layers)], [str(layer) for layer in attention.layers])
        panel.xaxis.tick_top()
        panel.xaxis.set_label_position("top")
        panel.set_xlabel("head", color=FAINT_INK, fontsize=9)
        panel.set_ylabel("layer", color=FAINT_INK, fontsize=9)
        panel.tick_params(colors=FAINT_INK, labelsize=9, length=0)
    what = f", layer {attention.layers[0]}" if layers == 1 else f", head {attention.heads[0]}" if heads == 1 else ""
    title = f"{attention.name}: attention on {time:,} token{'s' if time != 1 else ''}{what}"
    literal(figure.suptitle(printable(title), x=0.01, ha="left", color=INK, fontsize=12, fontweight="bold"))
    literal(figure.supxlabel(caption, x=0.01, ha="left", color=FAINT_INK, fontsize=8, fontfamily="DejaVu Sans Mono"))
    return figure


def _mosaic(
    weights: "NDArray[np.float32]", tiles: Sequence[Sequence[tuple[int, int]]]
) -> tuple["NDArray[np.float32]", int]:
    """The tiles in one image with gaps between them, and the distance from one to the next.

    Of a text longer than a tile has dots, each dot shows the largest weight that falls into it.
    """
    import numpy as np

    time = weights.shape[-1]
    pool = math.ceil(time / _TILE)
    zoom = max(1, 48 // time)  # few tokens: larger cells, so that gaps stay thin
    size = math.ceil(time / pool) * zoom
    side = size + max(2, size // 12) + (size // 8 if len(tiles[0]) <= _HEADS_IN_A_ROW else 0)
    image = np.full((len(tiles) * side, len(tiles[0]) * side), np.nan, dtype=np.float32)
    for down, row in enumerate(tiles):
        for right, (layer, head) in enumerate(row):
            padded = np.zeros((size // zoom * pool,) * 2, dtype=np.float32)
            padded[:time, :time] = weights[layer, head]
            blocks = padded.reshape(size // zoom, pool, size // zoom, pool).max(axis=(1, 3))
            tile = np.kron(_causally_masked(blocks), np.ones((zoom, zoom), dtype=np.float32))
            image[down * side : down * side + size, right * side : right * side + size] = tile
    return image, side


def _causally_masked(weights: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """The same with NaN, which is drawn as nothing, at the keys after a query."""
    import numpy as np

    return np.where(np.tril(np.ones(weights.shape, dtype=bool)), weights, np.float32(np.nan))


def _frame(panel: "Axes") -> None:
    panel.set_facecolor("white")
    for spine in panel.spines.values():
        spine.set_edgecolor(GRID)


def _labels(tokens: Sequence[str], *, step: int) -> list[str]:
    """Short labels; where some are left out, each says at which place it stands."""
    chosen = []
    for place in range(0, len(tokens), step):
        token = printable(tokens[place])
        short = token if len(token) <= _LONGEST_LABEL else f"{token[: _LONGEST_LABEL - 1]}…"
        chosen.append(f"{place}  {short}" if step > 1 else short)
    return chosen


def _caption(tokens: Sequence[str], *, columns: int) -> str:
    """The text below a grid, its tokens set apart, wrapped to `columns` characters."""
    printed = [printable(token) for token in tokens[:_CAPTION_TOKENS]]
    rest = len(tokens) - len(printed)
    caption = " ".join(printed) + (f" … and {rest:,} more tokens" if rest else "")
    return "\n".join(textwrap.wrap(caption, columns))


def _write_page(attention: AttentionOfText, output: str | Path) -> None:
    """The same as a page: any of the heads, every weight under the pointer, and the text itself shaded."""
    import numpy as np

    layers, heads, time, _ = attention.weights.shape
    rows, columns = np.tril_indices(time)
    count = layers * heads * len(rows)
    if count > _MOST_VALUES_OF_A_PAGE:
        raise PlotError(
            f"{layers * heads} heads on {time:,} tokens have {count:,} weights, and a page holds "
            f"{_MOST_VALUES_OF_A_PAGE:,}; choose a --layer or a --head, shorten the prompt, or write a .png."
        )
    content = {
        "tokens": list(attention.tokens),
        "layers": list(attention.layers),
        "heads": list(attention.heads),
        "weights": quantised(attention.weights[:, :, rows, columns]),  # row after row, up to the diagonal
    }
    title = f"{attention.name}: attention on {time:,} token{'s' if time != 1 else ''}"
    write_page(output, title=title, eyebrow="attention", lead=_LEAD, script="attention.js", content=content)
