"""The losses of runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gpt25.plots import HorizontalAxis, loss_reference_lines, losses_figure
from gpt25.records import RunDirectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AnyRun = RunDirectory | str | Path


def losses(
    *runs: AnyRun,
    x: HorizontalAxis = "tokens",
    x_scale: Literal["linear", "logarithmic"] = "linear",
    published: bool = False,
    axes: "Axes | Sequence[Axes] | None" = None,
) -> "Figure":
    """Draw training and validation loss of one or several runs over one another, the learning rate below.

    x: what the horizontal axis counts. published: add OpenAI's losses, where the runs' data is a set that has them.
    axes: one Axes for the losses, or two for losses and learning rate.
    Returns the figure. Raises PlotError where a run has no loss yet, CorruptFileError where it cannot be read.
    """
    opened = [as_run(run) for run in runs]
    lines = loss_reference_lines(opened) if published else []
    return losses_figure(opened, x=x, x_scale=x_scale, reference_lines=lines, axes=axes)


def as_run(run: AnyRun) -> RunDirectory:
    """The run that a path means."""
    return run if isinstance(run, RunDirectory) else RunDirectory(run)
