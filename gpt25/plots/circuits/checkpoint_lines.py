"""Figures over the checkpoints of a run, as lines."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gpt25.plots.page import write_page
from gpt25.plots.pictures.drawing import COLOURS, FAINT_INK, INK, lighten_frame, literal, new_figure, printable
from gpt25.plots.pictures.panels import extra_inches, figure_of, given_panels, head_figure, head_panel
from gpt25.plots.pictures.write_drawing import write_drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_NAMED = 8
_WIDTH, _HEIGHT = 9.0, 4.4


@dataclass(frozen=True)
class CheckpointLines:
    """What was measured on each of a run's checkpoints."""

    title: str
    line: str
    """What to see in it, in a sentence or two."""
    updates: Sequence[int]
    values: Mapping[str, Sequence[float]]
    """To each name a figure for each checkpoint; NaN where there is none."""
    label: str
    """What the figures are, with their unit."""

    @property
    def named(self) -> list[str]:
        """The names of the lines that reach farthest from 0, which get a colour, farthest first."""
        reach = {
            name: max((abs(value) for value in values if math.isfinite(value)), default=0.0)
            for name, values in self.values.items()
        }
        return sorted(reach, key=lambda name: -reach[name])[:_MOST_NAMED]


def draw_checkpoint_lines(lines: CheckpointLines, output: str | Path) -> None:
    """Draw the lines into a .png, .svg or .html file, atomically; raises StorageError where that cannot be written."""
    write_drawing(output, page=lambda file: _write_page(lines, file), figure=lambda: checkpoint_lines_figure(lines))


def checkpoint_lines_figure(lines: CheckpointLines, *, axes: "Axes | None" = None) -> "Figure":
    """The lines against the updates, in a figure of its own or on given axes; all but the strongest eight are grey.

    Raises PlotError for axes that are not one Axes.
    """
    if axes is not None:
        (panel,) = given_panels(axes, 1)
        head_panel(panel, lines.title, lines.line)
    else:
        figure = new_figure(_WIDTH, _HEIGHT + extra_inches(lines.line, _WIDTH))
        panel = head_figure(figure, lines.title, lines.line).subplots()
    lighten_frame(panel)
    named = lines.named
    for name, values in lines.values.items():
        if name not in named:
            panel.plot(lines.updates, values, color="#c3c9d4", linewidth=0.8, zorder=1)
    for place, name in enumerate(named):
        marks = "o" if len(lines.updates) <= 30 else None
        (drawn,) = panel.plot(
            lines.updates, lines.values[name], color=COLOURS[place], linewidth=1.8, marker=marks, markersize=3
        )
        drawn.set_label(printable(name))
    legend = panel.legend(fontsize=8, frameon=False, labelcolor=INK, loc="center left", bbox_to_anchor=(1.01, 0.5))
    for text in legend.get_texts():
        literal(text)
    panel.set_xlabel("update", color=FAINT_INK, fontsize=9)
    panel.set_ylabel(lines.label, color=FAINT_INK, fontsize=9)
    return figure_of(panel)


def _write_page(lines: CheckpointLines, output: str | Path) -> None:
    content = {
        "label": lines.label,
        "all": len(lines.values),
        "lines": [
            {
                "name": name,
                "points": [
                    [update, float(f"{value:.5g}") if math.isfinite(value) else None]
                    for update, value in zip(lines.updates, lines.values[name], strict=True)
                ],
            }
            for name in lines.named
        ],
    }
    script = "checkpoint_lines.js"
    write_page(output, title=lines.title, eyebrow="over a run", lead=lines.line, script=script, content=content)
