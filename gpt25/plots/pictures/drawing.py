"""What all pictures share: paper, ink, colours, frames, and figures turned into bytes."""

import io
import warnings
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
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


def new_figure(width_inches: float, height_inches: float, *, dots_per_inch: int = DOTS_PER_INCH) -> "Figure":
    """An empty white figure that pyplot does not know of and that lays itself out."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    margins = ConstrainedLayoutEngine(w_pad=_MARGIN_INCHES, h_pad=_MARGIN_INCHES)
    return Figure(figsize=(width_inches, height_inches), dpi=dots_per_inch, facecolor="white", layout=margins)


def figure_bytes(figure: "Figure", file_format: Literal["png", "svg"]) -> bytes:
    """The figure as a file's content; the same figure gives the same bytes."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    content = io.BytesIO()
    with warnings.catch_warnings(), matplotlib.rc_context({"svg.hashsalt": "gpt25"}):
        warnings.simplefilter("ignore")  # a name or a token may hold characters that the font lacks; they become boxes
        if file_format == "png":
            FigureCanvasAgg(figure).print_png(content, metadata={"Software": None})
        else:
            figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    return content.getvalue()


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


def make_logarithmic(panel: "Axes") -> None:
    """A logarithmic vertical axis whose ticks are plain numbers: 0.5, 1, 2."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    panel.set_yscale("log")
    low, high = panel.get_ylim()
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 300 * low else (1,)))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))


def literal(text: "Text") -> "Text":
    """Show a text as it is, dollar signs included."""
    text.set_parse_math(False)
    return text


def printable(content: str) -> str:
    """A text in characters of matplotlib's own font; others become their code points: printable("漢") -> "U+6F22"."""
    from matplotlib.font_manager import fontManager, get_font

    known = get_font(fontManager.findfont("DejaVu Sans")).get_charmap()
    return "".join(character if ord(character) in known else f"U+{ord(character):04X}" for character in content)
