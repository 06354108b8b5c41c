"""A figure that a notebook shows where a cell ends with it, without pyplot."""

from typing import Any

from matplotlib.figure import Figure

from gpt25.plots.pictures.figure_bytes import figure_bytes

_PIXELS_SHOWN_PER_INCH = 100


class InlineFigure(Figure):
    """A matplotlib Figure that pyplot never sees, so that nothing keeps it alive and nothing shows it twice.

    A notebook shows a plain one as text until pyplot has been imported; this one says itself how it looks.
    """

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        """The picture, and the size in which it is shown: 100 pixels to an inch, for screens that have finer dots."""
        width, height = (round(_PIXELS_SHOWN_PER_INCH * inches) for inches in self.get_size_inches())
        return figure_bytes(self, "png"), {"width": width, "height": height}
