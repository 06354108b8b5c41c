"""Where a picture is drawn: on axes of the caller's, or in a figure of its own with a heading."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpt25.errors import PlotError
from gpt25.plots.pictures.drawing import FAINT_INK, INK, literal, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

_CHARACTERS_PER_INCH = 14  # of 9.5 points; of plain English 14.4 to 16.7 fit
_LINE_POINTS, _LINE_HEIGHT = 9.5, 13


def given_panels(axes: "Axes | Sequence[Axes]", *counts: int) -> "list[Axes]":
    """The caller's axes as a list; raises PlotError unless they are as many as one of `counts`."""
    from matplotlib.axes import Axes

    panels = [axes] if isinstance(axes, Axes) else list(axes)
    wrong = [panel for panel in panels if not isinstance(panel, Axes)]
    if wrong:
        raise PlotError(f"axes holds a {type(wrong[0]).__name__}; give matplotlib Axes, or a flat list of them.")
    if len(panels) not in counts:
        few = " or ".join(map(str, counts))
        raise PlotError(f"{len(panels)} axes were given; this picture is drawn on {few}.")
    return panels


def figure_of(panel: "Axes") -> "Figure":
    """The whole figure that a panel belongs to, with all its subfigures."""
    from matplotlib.figure import Figure

    figure = panel.figure
    while not isinstance(figure, Figure):
        figure = figure.figure
    return figure


def head_figure(figure: "Figure", title: str, line: str) -> "SubFigure":
    """A bold title at the top and below it, fainter, what to see in the picture; returns the room for the panels."""
    width = figure.get_size_inches()[0]
    left = 0.09 / width
    lines = "\n".join(printable(part) for part in title.split("\n"))
    heading = figure.suptitle(lines, x=left, ha="left", color=INK, fontsize=12, fontweight="bold")
    literal(heading)
    body: SubFigure = figure.subfigures(1, 1)  # type: ignore[assignment]  # of one by one it is no array
    wrapped = _wrapped(line, inches=width)
    literal(body.suptitle(wrapped, x=left, ha="left", color=FAINT_INK, fontsize=_LINE_POINTS, linespacing=1.3))
    return body


def head_panel(panel: "Axes", title: str, line: str, *, remark: str = "") -> None:
    """The same above one panel: its title, what to see in it, and a remark at the right."""
    inches = panel.get_position().width * figure_of(panel).get_size_inches()[0]
    wrapped = _wrapped(line, inches=inches)
    lines = wrapped.count("\n") + 1 if wrapped else 0
    above = 8 + _LINE_HEIGHT * lines
    heading = panel.set_title(printable(title), loc="left", color=INK, fontsize=12, fontweight="bold", pad=above)
    literal(heading)
    if remark:
        literal(panel.set_title(printable(remark), loc="right", color=FAINT_INK, fontsize=_LINE_POINTS, pad=above))
    below = panel.annotate(
        wrapped, (0, 1), (0, 6), xycoords="axes fraction", textcoords="offset points", ha="left", va="bottom"
    )
    literal(below).set(color=FAINT_INK, fontsize=_LINE_POINTS, linespacing=1.3)


def extra_inches(line: str, width_inches: float) -> float:
    """How much taller a figure must be for the line below its title."""
    return (_wrapped(line, inches=width_inches).count("\n") + 1) * _LINE_HEIGHT / 72 + 0.1


def _wrapped(line: str, *, inches: float) -> str:
    return "\n".join(textwrap.wrap(printable(line), max(24, int(_CHARACTERS_PER_INCH * inches))))
