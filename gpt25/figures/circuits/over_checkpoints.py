"""Any figure of a model, over the checkpoints of a run."""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gpt25.errors import InspectionError
from gpt25.figures.losses import AnyRun, as_run
from gpt25.figures.model_labels import model_labels
from gpt25.figures.opened import OpenedModel, opened
from gpt25.plots import CheckpointLines, checkpoint_lines_figure
from gpt25.weights import load_pretrained

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Measure = Callable[[OpenedModel], Mapping[str, float]]
"""From a checkpoint, with its `model` and `tokenizer`, to figures by name."""
_FEWEST = 2


def over_checkpoints(
    run: AnyRun,
    measure: Measure,
    *,
    title: str = "over a run",
    line: str = "A point is a checkpoint: see which line begins to move first, and when.",
    label: str = "",
    axes: "Axes | None" = None,
) -> "Figure":
    """Draw what `measure` says of every checkpoint of a run, as lines by its names.

        over_checkpoints("runs/mine", lambda checkpoint: {"induction": head_scores(checkpoint.model).induction.max()})

    A name that a checkpoint does not have is a gap. title, line, label: the heading, what to see, and the vertical
    axis. axes: one Axes to draw on. Returns the figure. Raises InspectionError where the run keeps fewer than two
    checkpoints, and what loading raises.
    """
    return checkpoint_lines_figure(checkpoint_lines(run, measure, title=title, line=line, label=label), axes=axes)


def checkpoint_lines(
    run: AnyRun,
    measure: Measure,
    *,
    title: str,
    line: str,
    label: str,
    progress: Callable[[int], None] | None = None,
) -> CheckpointLines:
    """Ask every complete checkpoint of a run, oldest first; progress is called with 1 after each."""
    directory = as_run(run)
    records = directory.checkpoints()
    if len(records) < _FEWEST:
        raise InspectionError(
            f"{directory.path} keeps {len(records)} complete checkpoints, and lines need {_FEWEST}; a run keeps more "
            "with --loop.checkpoints-to-keep and --loop.checkpoint-interval-in-updates."
        )
    measured: list[Mapping[str, float]] = []
    for record in records:
        model, tokenizer = load_pretrained(directory.path, checkpoint=str(record.update))
        measured.append(measure(opened(model, tokenizer=tokenizer)))
        if progress is not None:
            progress(1)
    names = list(dict.fromkeys(name for of_one in measured for name in of_one))
    (called,) = model_labels([str(directory.path)])
    return CheckpointLines(
        title=f"{called}: {title}",
        line=line,
        updates=[record.update for record in records],
        values={name: [float(of_one.get(name, math.nan)) for of_one in measured] for name in names},
        label=label,
    )
