"""A figure as the content of a file."""

import io
import warnings
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
