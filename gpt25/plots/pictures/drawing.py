"""What all pictures share: paper, ink, colours, frames, and figures turned into bytes."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure
    from matplotlib.text import Text

INK, FAINT_INK, GRID, ALARM = "#1f2430", "#667085", "#e6e8ec", "#c81e1e"
COLOURS = (
    "#2f6bde",
    "#d9541e",
    "#12876b",
    "#9a3fb0",
    "#b8860b",
    "#c2325f",
    "#4d7c0f",
    "#0f7f9e",
    "#6b5bd2",
    "#7a5230",
)
DOTS_PER_INCH = 200
_MARGIN_INCHES = 0.09
_MOST_DOTS_ACROSS = 2400


def new_figure(width_inches: float, height_inches: float, *, dots_per_inch: int = DOTS_PER_INCH) -> "Figure":
    """An empty white figure that pyplot does not know of, that lays itself out, and that a notebook shows.

    A wide one has fewer dots to the inch, so that none is wider than 2,400.
    """
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    from gpt25.plots.pictures.inline_figure import InlineFigure

    margins = ConstrainedLayoutEngine(w_pad=_MARGIN_INCHES, h_pad=_MARGIN_INCHES)
    dots = min(dots_per_inch, _MOST_DOTS_ACROSS / width_inches)
    return InlineFigure(figsize=(width_inches, height_inches), dpi=dots, facecolor="white", layout=margins)


def lighten_frame(panel: "Axes", *, grid: Literal["x", "y", "both"] | None = "y") -> None:
    """A light frame: no box, hairline grid, small ticks."""
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)
    panel.spines["bottom"].set_color(GRID)
    if grid is not None:
        panel.grid(axis=grid, color=GRID, linewidth=0.8)
    panel.set_axisbelow(True)
    panel.tick_params(colors=FAINT_INK, labelsize=9, length=0, which="both")


def title_panel(panel: "Axes", title: str, remark: str = "") -> None:
    """A bold heading above a panel and a fainter remark at its right."""
    literal(panel.set_title(title, loc="left", color=INK, fontsize=11, fontweight="bold", pad=8))
    if remark:
        literal(panel.set_title(remark, loc="right", color=FAINT_INK, fontsize=9, pad=8))


def weight_bar(panel: "Axes", image: "ScalarMappable", *, label: str, fraction: float = 0.035) -> None:
    """A colour scale beside a panel of weights or probabilities, which are shown by a power of theirs."""
    figure = panel.figure
    bar = figure.colorbar(image, ax=panel, fraction=fraction, pad=0.015, aspect=25, ticks=[0, 0.01, 0.05, 0.2, 0.5, 1])
    bar.ax.set_yticklabels(["0", "1 %", "5 %", "20 %", "50 %", "100 %"])
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=FAINT_INK, labelsize=8, length=0)
    bar.set_label(label, color=FAINT_INK, fontsize=8.5)


def make_logarithmic(panel: "Axes") -> None:
    """A logarithmic vertical axis whose ticks are plain numbers: 0.5, 1, 2."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    panel.set_yscale("log")
    low, high = panel.get_ylim()
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 300 * low else (1,)))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))


def plain_number(value: float) -> str:
    """A tick without an exponent or an offset: plain_number(0.00002) -> "0.00002"."""
    shown = f"{value:,.6g}"
    return shown if "e" not in shown else f"{value:,.12f}".rstrip("0").rstrip(".")


def literal(text: "Text") -> "Text":
    """Show a text as it is, dollar signs included."""
    text.set_parse_math(False)
    return text


def printable(content: str) -> str:
    """A text in characters of matplotlib's own font; others become their code points: printable("漢") -> "U+6F22"."""
    from matplotlib.font_manager import fontManager, get_font

    known = get_font(fontManager.findfont("DejaVu Sans")).get_charmap()
    return "".join(character if ord(character) in known else f"U+{ord(character):04X}" for character in content)
