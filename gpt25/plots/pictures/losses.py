"""The loss graph as a picture: training and validation loss of one or several runs, the learning rate below."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gpt25.errors import PlotError
from gpt25.plots.curves import Curves, HorizontalAxis, curves_of, downsample, names_of, vertical_limits
from gpt25.plots.formatting import axis_label, axis_number
from gpt25.plots.pictures.drawing import ALARM, COLOURS, FAINT_INK, INK, figure_bytes, lighten_frame, new_figure
from gpt25.plots.pictures.picture_format import picture_format
from gpt25.records import RunDirectory
from gpt25.storage import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_VALIDATION_COLOUR = "#d9541e"  # of a single run; beside others a run keeps one colour for both losses
_VALIDATION_MARK: dict[str, Any] = {
    "marker": "o",
    "markersize": 5.5,
    "markerfacecolor": "white",
    "markeredgewidth": 1.5,
}
_ALARM_MARK: dict[str, Any] = {"color": ALARM, "linestyle": "none", "marker": "x", "markersize": 6}
_WIDTH_INCHES, _HEIGHT_INCHES = 8.0, 5.4  # 1600 × 1080 pixels
_COLUMNS = 1200
_START_MARGIN = 0.015  # of the axis: room for the mark of a start at 0
_LONGEST_NAME = 60


def draw_losses(
    runs: Sequence[RunDirectory],
    output: str | Path,
    *,
    x: HorizontalAxis = "tokens",
    x_scale: Literal["linear", "logarithmic"] = "linear",
    reference_lines: Sequence[tuple[str, float]] = (),
) -> None:
    """Draw the losses of one or more runs into one PNG or SVG file, written atomically.

    reference_lines: published losses with their names, each drawn as a horizontal line.
    Training loss is a faint raw line under a smoothed one, validation loss marked points; both in nats per token.
    Raises PlotError where a run has nothing to draw or `output` is neither .png nor .svg, StorageError where it cannot
    be written.
    """
    file_format = picture_format(output)
    if file_format == "html":
        raise PlotError(
            f"the loss graph is a .png or .svg picture, and {Path(output).name} is neither; the page of a run with its "
            "losses is gpt25 plot report."
        )
    if not runs:
        raise PlotError("there is no run to draw; name at least one run directory")
    drawable = [
        _without_zero(curves_of(run.metrics(), name=name, x=x))
        if x_scale == "logarithmic"
        else curves_of(run.metrics(), name=name, x=x)
        for run, name in zip(runs, names_of(runs), strict=True)
    ]
    for run, curves in zip(runs, drawable, strict=True):
        if curves.is_empty:
            raise PlotError(
                f"{run.path} has no finite loss to draw against {x} yet. Train until the first is measured."
            )
    write_bytes(
        output, figure_bytes(_figure(drawable, x=x, x_scale=x_scale, reference_lines=reference_lines), file_format)
    )


def _figure(
    runs: Sequence[Curves], *, x: HorizontalAxis, x_scale: str, reference_lines: Sequence[tuple[str, float]] = ()
) -> "Figure":
    """Lay out both panels."""
    from matplotlib.ticker import FuncFormatter

    figure = new_figure(_WIDTH_INCHES, _HEIGHT_INCHES)
    shows_rate = any(len(curves.learning_rate) > 1 for curves in runs)
    panels = figure.subplots(
        2 if shows_rate else 1, 1, sharex=True, squeeze=False, height_ratios=[5, 1][: 1 + shows_rate]
    )
    losses = panels[0, 0]
    largest = max(place for curves in runs for place, _ in [*curves.training, *curves.validation])
    axis = axis_label(x, largest=largest)
    for number, curves in enumerate(runs):
        _draw_run(losses, curves, unit=axis.unit, number=number, alone=len(runs) == 1)
    losses.set_ylabel("loss in nats per token", color=INK, fontsize=11)
    low, high = vertical_limits(runs)
    visible = [value for _, value in reference_lines if low - 1.0 <= value <= high]
    losses.set_ylim(min([low, *(value - 0.05 for value in visible)]), high)
    for label, value in reference_lines:
        if value in visible:
            losses.axhline(value, color=FAINT_INK, linewidth=1.0, linestyle=(0, (6, 4)), zorder=1)
            where = {"transform": losses.get_yaxis_transform(), "ha": "left", "va": "bottom"}
            losses.text(0.01, value, f"{label} {value:g}", color=FAINT_INK, fontsize=9, **where)
    if shows_rate:
        for number, curves in enumerate(runs):
            points = downsample(curves.learning_rate, columns=_COLUMNS)
            panels[1, 0].plot(*_split(points, axis.unit), color=COLOURS[number % len(COLOURS)], linewidth=1.4)
        panels[1, 0].set_ylabel("learning\nrate", color=INK, fontsize=10)
        panels[1, 0].set_ylim(bottom=0)
        panels[1, 0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panels[-1, 0].set_xlabel(axis.title, color=INK, fontsize=11)
    starts = any(curves.start for curves in runs)
    for panel in panels[:, 0]:
        _style(panel, x_scale=x_scale, left=-_START_MARGIN * largest / axis.unit if starts else 0.0)
    _explain(losses, runs, highest=high)
    return figure


def _draw_run(panel: "Axes", curves: Curves, *, unit: float, number: int, alone: bool) -> None:
    """Draw one run's two losses and mark where the loss was not finite."""
    colour = COLOURS[number % len(COLOURS)]
    name = _legend_name(curves.name)
    raw, smoothed = downsample(curves.training, columns=_COLUMNS), downsample(curves.smoothed, columns=_COLUMNS)
    training = "training, smoothed" if curves.is_smoothed else "training"
    marker = "o" if len(curves.training) == 1 else None
    panel.plot(*_split(raw, unit), color=colour, alpha=0.22, linewidth=0.8, zorder=2)
    panel.plot(
        *_split(smoothed, unit),
        color=colour,
        linewidth=1.8,
        marker=marker,
        zorder=3,
        label=training if alone else _with_last_loss(name, ", validation", curves),
    )
    if curves.validation:
        panel.plot(
            *_split(curves.validation, unit),
            color=_VALIDATION_COLOUR if alone else colour,
            linewidth=1.0,
            linestyle=(0, (1, 2)),
            **{**_VALIDATION_MARK, "markersize": 5.5 if len(curves.validation) <= 60 else 2.5},
            zorder=4,
            label=_with_last_loss("validation", ", last", curves) if alone else None,
        )
    if curves.not_finite:
        panel.plot(
            [place / unit for place in curves.not_finite],
            [0.025] * len(curves.not_finite),
            transform=panel.get_xaxis_transform(),
            **_ALARM_MARK,
            zorder=5,
            label="loss not finite" if alone else None,
        )


def _explain(panel: "Axes", runs: Sequence[Curves], *, highest: float) -> None:
    """Title, legend, and a remark on what sticks out of the frame."""
    alone = len(runs) == 1
    title = _legend_name(runs[0].name) if alone else f"{len(runs)} runs"
    panel.set_title(title, loc="left", color=INK, fontsize=13, fontweight="bold", pad=10)
    first = max((curves.training[0][1] for curves in runs if curves.training), default=highest)
    if first > highest:
        where = "starts at" if alone else "first losses up to"
        panel.set_title(f"{where} {first:.2f}, above the frame", loc="right", color=FAINT_INK, fontsize=9.5, pad=10)
    if not alone and any(curves.validation for curves in runs):
        panel.plot([], [], color=FAINT_INK, linestyle=(0, (1, 2)), label="validation", **_VALIDATION_MARK)
    if not alone and any(curves.not_finite for curves in runs):
        panel.plot([], [], label="loss not finite", **_ALARM_MARK)
    # Losses fall, so the upper right is free, except in a run that diverged.
    low, high = panel.get_ylim()
    fell = all(curves.smoothed[-1][1] < (low + high) / 2 for curves in runs if len(curves.training) > 1)
    legend = panel.legend(
        loc="upper right" if fell else "upper center", fontsize=10, frameon=True, framealpha=0.92, edgecolor="none"
    )
    for text in legend.get_texts():
        text.set_color(INK)


def _style(panel: "Axes", *, x_scale: str, left: float) -> None:
    """A light frame: no box, hairline grid, small ticks, beginning at `left`."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    if x_scale == "logarithmic":
        panel.set_xscale("log")
    else:
        panel.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 2.5, 5, 10]))
        panel.set_xlim(left=left)
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: axis_number(value)))
    lighten_frame(panel)
    panel.tick_params(labelsize=10, which="both")


def _without_zero(curves: Curves) -> Curves:
    """The same curves without points at or left of 0, where a logarithmic axis has no place."""
    return Curves(
        name=curves.name,
        training=[point for point in curves.training if point[0] > 0],
        validation=[point for point in curves.validation if point[0] > 0],
        learning_rate=[point for point in curves.learning_rate if point[0] > 0],
        not_finite=[place for place in curves.not_finite if place > 0],
        start=curves.start if curves.start and curves.start[0] > 0 else None,
    )


def _split(points: Sequence[tuple[float, float]], unit: float) -> tuple[list[float], list[float]]:
    return [place / unit for place, _ in points], [value for _, value in points]


def _with_last_loss(name: str, infix: str, curves: Curves) -> str:
    """_with_last_loss("validation", ", last", curves) -> "validation, last 2.385" where there is one."""
    return f"{name}{infix} {curves.validation[-1][1]:.3f}" if curves.validation else name


def _legend_name(name: str) -> str:
    """A run's name as matplotlib shows it literally: no formulas, no hiding, not too long."""
    short = name if len(name) <= _LONGEST_NAME else f"…{name[-_LONGEST_NAME:]}"
    literal = "".join(character if character.isprintable() else "�" for character in short).replace("$", r"\$")
    return f" {literal}" if literal.startswith("_") else literal
