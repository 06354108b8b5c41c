"""Attention as a picture: one head with its tokens, or a grid of heads."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt25.errors import PlotError
from gpt25.plots.page import write_page
from gpt25.plots.page_arrays import quantised
from gpt25.plots.pictures.drawing import FAINT_INK, GRID, INK, literal, new_figure, printable, weight_bar
from gpt25.plots.pictures.panels import extra_inches, figure_of, given_panels, head_figure, head_panel
from gpt25.plots.pictures.write_drawing import write_drawing

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
_CAPTION_CHARACTERS_PER_INCH = 14
_MOST_VALUES_OF_A_PAGE = 8_000_000  # at 2.7 bytes each about 21 MB of page
_SCALE = "weight; colours go by its square root"
_LINE_OF_HEAD = (
    "A row says from which tokens one token draws, and adds up to 100 %. Colours go by the square root, so that weak "
    "links show as well."
)
_LINE_OF_GRID = (
    "Rows look at columns. A dark first column: the head rests on the first token; a dark diagonal: it looks at the "
    "token itself or just before it."
)
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
    write_drawing(output, page=lambda file: _write_page(attention, file), figure=lambda: attention_figure(attention))


def attention_figure(attention: AttentionOfText, *, axes: "Axes | None" = None) -> "Figure":
    """One head with a label at every token, or several heads as a grid, in a figure of its own or on given axes.

    Raises PlotError for axes that are not one Axes.
    """
    alone = attention.weights.shape[:2] == (1, 1)
    title, line = (_title_of_head(attention), _LINE_OF_HEAD) if alone else (_title_of_grid(attention), _LINE_OF_GRID)
    if axes is not None:
        (panel,) = given_panels(axes, 1)
        head_panel(panel, title, line)
    else:
        width, height = _size_of_head(attention) if alone else _size_of_grid(attention)
        figure = new_figure(width, height + extra_inches(line, width))
        panel = head_figure(figure, title, line).subplots()
    (_draw_head if alone else _draw_grid)(panel, attention)
    return figure_of(panel)


def _title_of_head(attention: AttentionOfText) -> str:
    return f"{attention.name}: layer {attention.layers[0]}, head {attention.heads[0]}"


def _size_of_head(attention: AttentionOfText) -> tuple[float, float]:
    labels = _labels(attention.tokens)
    side = min(20.0, max(3.2, _INCHES_PER_LABEL * len(labels)))
    widest = max(map(len, labels)) * 0.085
    return side + widest + 1.9, side + widest + 1.0


def _draw_head(panel: "Axes", attention: AttentionOfText) -> None:
    """One head, its tokens along both sides; of a long text every second, third … token has its label."""
    time = len(attention.tokens)
    labels = _labels(attention.tokens)
    image = panel.imshow(_causally_masked(attention.weights[0, 0]), interpolation="nearest", **_colours())
    places = range(0, time, _label_step(time))
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
    weight_bar(panel, image, label=_SCALE)


def _title_of_grid(attention: AttentionOfText) -> str:
    layers, heads, time, _ = attention.weights.shape
    what = f", layer {attention.layers[0]}" if layers == 1 else f", head {attention.heads[0]}" if heads == 1 else ""
    return f"{attention.name}: attention on {time:,} token{'s' if time != 1 else ''}{what}"


def _tiles(attention: AttentionOfText) -> list[list[tuple[int, int]]]:
    """Places in `weights` by row: a row to a layer, or four in a row where there is one layer or one head."""
    layers, heads, *_ = attention.weights.shape
    tiles = [[(layer, head) for head in range(heads)] for layer in range(layers)]
    if 1 not in (layers, heads):
        return tiles
    flat = [tile for row in tiles for tile in row]
    return [flat[start : start + _HEADS_IN_A_ROW] for start in range(0, len(flat), _HEADS_IN_A_ROW)]


def _size_of_grid(attention: AttentionOfText) -> tuple[float, float]:
    layers, heads, *_ = attention.weights.shape
    tiles = _tiles(attention)
    inches = 2.2 if 1 in (layers, heads) else max(0.55, min(2.0, 14 / heads, 10 / layers))
    width = max(4.8, len(tiles[0]) * inches + 1.5)
    rows_of_text = _caption(attention.tokens, inches=width).count("\n") + 1
    return width, len(tiles) * inches + 0.9 + 0.17 * rows_of_text


def _draw_grid(panel: "Axes", attention: AttentionOfText) -> None:
    """All heads as tiles of one image, the text below."""
    layers, heads, *_ = attention.weights.shape
    tiles = _tiles(attention)
    mosaic, side, size = _mosaic(attention.weights, tiles)
    image = panel.imshow(mosaic, interpolation="nearest", aspect="equal", **_colours())
    _frame(panel)
    for spine in panel.spines.values():
        spine.set_visible(False)
    middle = (size - 1) / 2
    if 1 in (layers, heads):
        panel.set_xticks([])
        panel.set_yticks([])
        for number, (layer, head) in enumerate(tile for row in tiles for tile in row):
            down, right = divmod(number, len(tiles[0]))
            label = f"head {attention.heads[head]}" if layers == 1 else f"layer {attention.layers[layer]}"
            panel.text(right * side - 0.5, down * side - 1 - 0.02 * side, label, fontsize=9, color=INK, va="bottom")
    else:
        panel.set_xticks([head * side + middle for head in range(heads)], [str(head) for head in attention.heads])
        panel.set_yticks([layer * side + middle for layer in range(layers)], [str(layer) for layer in attention.layers])
        panel.xaxis.tick_top()
        panel.set_ylabel("layer", color=FAINT_INK, fontsize=9)
        panel.tick_params(colors=FAINT_INK, labelsize=9, length=0)
        panel.annotate(
            "head", (0, 1), (-6, 4), xycoords="axes fraction", textcoords="offset points", ha="right", va="bottom"
        ).set(color=FAINT_INK, fontsize=9)
    inches = panel.get_position().width * figure_of(panel).get_size_inches()[0]
    caption = panel.set_xlabel(_caption(attention.tokens, inches=inches), loc="left", color=FAINT_INK, fontsize=8)
    literal(caption).set_fontfamily("DejaVu Sans Mono")
    weight_bar(panel, image, label=_SCALE, fraction=0.05 if len(tiles[0]) <= _HEADS_IN_A_ROW else 0.02)


def _mosaic(
    weights: "NDArray[np.float32]", tiles: Sequence[Sequence[tuple[int, int]]]
) -> tuple["NDArray[np.float32]", int, int]:
    """The tiles in one image with gaps between them, the distance from one to the next, and the side of one.

    Of a text longer than a tile has dots, each dot shows the largest weight that falls into it.
    """
    import numpy as np

    time = weights.shape[-1]
    pool = math.ceil(time / _TILE)
    zoom = max(1, 48 // time)  # few tokens: larger cells, so that gaps stay thin
    size = math.ceil(time / pool) * zoom
    side = size + max(2, size // 12) + (size // 8 if len(tiles[0]) <= _HEADS_IN_A_ROW else 0)
    gap = side - size  # none behind the last tile, which would push the image off its centre
    image = np.full((len(tiles) * side - gap, len(tiles[0]) * side - gap), np.nan, dtype=np.float32)
    for down, row in enumerate(tiles):
        for right, (layer, head) in enumerate(row):
            padded = np.zeros((size // zoom * pool,) * 2, dtype=np.float32)
            padded[:time, :time] = weights[layer, head]
            blocks = padded.reshape(size // zoom, pool, size // zoom, pool).max(axis=(1, 3))
            tile = np.kron(_causally_masked(blocks), np.ones((zoom, zoom), dtype=np.float32))
            image[down * side : down * side + size, right * side : right * side + size] = tile
    return image, side, size


def _causally_masked(weights: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """The same with NaN, which is drawn as nothing, at the keys after a query."""
    import numpy as np

    return np.where(np.tril(np.ones(weights.shape, dtype=bool)), weights, np.float32(np.nan))


def _frame(panel: "Axes") -> None:
    panel.set_facecolor("white")
    for spine in panel.spines.values():
        spine.set_edgecolor(GRID)


def _colours() -> dict[str, Any]:
    from matplotlib.colors import PowerNorm

    return {"cmap": "Blues", "norm": PowerNorm(0.5, 0, 1)}


def _label_step(time: int) -> int:
    return math.ceil(time / _MOST_LABELS)


def _labels(tokens: Sequence[str]) -> list[str]:
    """Short labels; where some are left out, each says at which place it stands."""
    chosen, step = [], _label_step(len(tokens))
    for place in range(0, len(tokens), step):
        token = printable(tokens[place])
        short = token if len(token) <= _LONGEST_LABEL else f"{token[: _LONGEST_LABEL - 1]}…"
        chosen.append(f"{place}  {short}" if step > 1 else short)
    return chosen


def _caption(tokens: Sequence[str], *, inches: float) -> str:
    """The text below a grid, its tokens set apart, wrapped to its width."""
    printed = [printable(token) for token in tokens[:_CAPTION_TOKENS]]
    rest = len(tokens) - len(printed)
    caption = " ".join(printed) + (f" … and {rest:,} more tokens" if rest else "")
    return "\n".join(textwrap.wrap(caption, max(24, int(_CAPTION_CHARACTERS_PER_INCH * inches))))


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
