"""The loss graph as a picture: training and validation loss of one or several runs, the learning rate below."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gpt25.errors import PlotError
from gpt25.plots.curves import Curves, HorizontalAxis, curves_of, downsample, names_of, vertical_limits
from gpt25.plots.formatting import axis_label, axis_number
from gpt25.plots.pictures.drawing import ALARM, COLOURS, FAINT_INK, INK, lighten_frame, new_figure
from gpt25.plots.pictures.figure_bytes import figure_bytes
from gpt25.plots.pictures.panels import figure_of, given_panels, head_panel
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
    figure = losses_figure(runs, x=x, x_scale=x_scale, reference_lines=reference_lines)
    write_bytes(output, figure_bytes(figure, file_format))


def losses_figure(
    runs: Sequence[RunDirectory],
    *,
    x: HorizontalAxis = "tokens",
    x_scale: Literal["linear", "logarithmic"] = "linear",
    reference_lines: Sequence[tuple[str, float]] = (),
    axes: "Axes | Sequence[Axes] | None" = None,
) -> "Figure":
    """The losses of one or more runs in a figure of its own, the learning rate below, or on given axes.

    axes: one Axes for the losses, or two for the losses and the learning rate. Raises PlotError for other axes, and
    where a run has nothing to draw.
    """
    drawable = _drawable(runs, x=x, x_scale=x_scale)
    shows_rate = any(len(curves.learning_rate) > 1 for curves in drawable)
    if axes is not None:
        panels = given_panels(axes, 1, 2)
    else:
        figure = new_figure(_WIDTH_INCHES, _HEIGHT_INCHES)
        rows = 2 if shows_rate else 1
        panels = list(figure.subplots(rows, 1, sharex=True, squeeze=False, height_ratios=[5, 1][:rows])[:, 0])
    losses, *rates = panels
    largest = max(place for curves in drawable for place, _ in [*curves.training, *curves.validation])
    axis = axis_label(x, largest=largest)
    highest = _draw_losses(losses, drawable, reference_lines, unit=axis.unit)
    for panel in rates:
        _draw_rates(panel, drawable, unit=axis.unit)
    panels[-1].set_xlabel(axis.title, color=INK, fontsize=11)
    starts = any(curves.start for curves in drawable)
    for panel in panels:
        _style(panel, x_scale=x_scale, left=-_START_MARGIN * largest / axis.unit if starts else 0.0)
    _explain(losses, drawable, highest=highest)
    return figure_of(losses)


def _drawable(runs: Sequence[RunDirectory], *, x: HorizontalAxis, x_scale: str) -> list[Curves]:
    """What each run has to draw; PlotError where one has nothing."""
    if not runs:
        raise PlotError("there is no run to draw; name at least one run directory")
    drawable = []
    for run, name in zip(runs, names_of(runs), strict=True):
        summary = run.read_summary()
        curves = curves_of(run.metrics(), name=name, x=x, held_out_loss=summary.held_out_loss if summary else None)
        drawable.append(_without_zero(curves) if x_scale == "logarithmic" else curves)
        if drawable[-1].is_empty:
            raise PlotError(
                f"{run.path} has no finite loss to draw against {x} yet. Train until the first is measured."
            )
    return drawable


def _draw_losses(
    panel: "Axes", runs: Sequence[Curves], reference_lines: Sequence[tuple[str, float]], *, unit: float
) -> float:
    """All runs and the reference lines near them; returns the highest loss that is inside the frame."""
    for number, curves in enumerate(runs):
        _draw_run(panel, curves, unit=unit, number=number, alone=len(runs) == 1)
    panel.set_ylabel("loss in nats per token", color=INK, fontsize=11)
    low, high = vertical_limits(runs)
    visible = [value for _, value in reference_lines if low - 1.0 <= value <= high]
    panel.set_ylim(min([low, *(value - 0.05 for value in visible)]), high)
    for label, value in reference_lines:
        if value in visible:
            panel.axhline(value, color=FAINT_INK, linewidth=1.0, linestyle=(0, (6, 4)), zorder=1)
            where: dict[str, Any] = {"transform": panel.get_yaxis_transform(), "ha": "left", "va": "bottom"}
            panel.text(0.01, value, f"{label} {value:g}", color=FAINT_INK, fontsize=9, **where)
    return high


def _draw_rates(panel: "Axes", runs: Sequence[Curves], *, unit: float) -> None:
    from matplotlib.ticker import FuncFormatter

    for number, curves in enumerate(runs):
        points = downsample(curves.learning_rate, columns=_COLUMNS)
        panel.plot(*_split(points, unit), color=COLOURS[number % len(COLOURS)], linewidth=1.4)
    panel.set_ylabel("learning\nrate", color=INK, fontsize=10)
    panel.set_ylim(bottom=0)
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _draw_run(panel: "Axes", curves: Curves, *, unit: float, number: int, alone: bool) -> None:
    """Draw one run's two losses and mark where the loss was not finite."""
    colour = COLOURS[number % len(COLOURS)]
    name = _legend_name(curves.name)
    raw, smoothed = downsample(curves.training, columns=_COLUMNS), downsample(curves.smoothed, columns=_COLUMNS)
    training = "training, smoothed" if curves.is_smoothed else "training"
    few = curves.has_few_points  # a line would be a zigzag: marks, which a faint line leads from one to the next
    panel.plot(*_split(raw, unit), color=colour, alpha=0.22, linewidth=0.8, zorder=2)
    panel.plot(
        *_split(smoothed, unit),
        color=colour,
        linewidth=0.0 if few else 1.8,
        marker="o" if few else None,
        markersize=5,
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
            label=_with_last_loss(curves.validation_name, ", last", curves) if alone else None,
        )
    if curves.held_out:
        panel.plot(
            [curves.held_out[0] / unit],
            [curves.held_out[1]],
            color=_VALIDATION_COLOUR if alone else colour,
            linestyle="none",
            marker="D",
            markersize=10,  # larger than a ring, and below it, so that both show where they meet
            markeredgecolor="white",
            zorder=3.5,
            label=f"all held-out text, {curves.held_out[1]:.3f}" if alone else None,
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
    first = max((curves.training[0][1] for curves in runs if curves.training), default=highest)
    where = "starts at" if alone else "first losses up to"
    remark = f"{where} {first:.2f}, above the frame" if first > highest else ""
    head_panel(panel, _short(runs[0].name) if alone else f"{len(runs)} runs", _line(runs), remark=remark)
    if not alone and any(curves.validation for curves in runs):
        panel.plot([], [], color=FAINT_INK, linestyle=(0, (1, 2)), label="validation", **_VALIDATION_MARK)
    if not alone and any(curves.held_out for curves in runs):
        panel.plot([], [], color=FAINT_INK, linestyle="none", marker="D", markersize=7, label="all held-out text")
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


def _line(runs: Sequence[Curves]) -> str:
    """What to see in the graph, in one line."""
    validated = [curves for curves in runs if curves.validation]
    if len(runs) > 1:
        best = min(validated, key=lambda curves: curves.validation[-1][1], default=None)
        found = "" if best is None else f" The lowest last validation loss is that of {_short(best.name)}."
        return f"Lower is better: how badly each model predicts the next token.{found}"
    if not validated:
        return "Lower is better: how badly the model predicts the next token of the text that it learns from."
    return "Lower is better. Blue is the text that the model learns from, orange text that it never saw."


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
        held_out=curves.held_out if curves.held_out and curves.held_out[0] > 0 else None,
        validation_tokens=curves.validation_tokens,
    )


def _split(points: Sequence[tuple[float, float]], unit: float) -> tuple[list[float], list[float]]:
    return [place / unit for place, _ in points], [value for _, value in points]


def _with_last_loss(name: str, infix: str, curves: Curves) -> str:
    """_with_last_loss("validation", ", last", curves) -> "validation, last 2.385" where there is one."""
    return f"{name}{infix} {curves.validation[-1][1]:.3f}" if curves.validation else name


def _legend_name(name: str) -> str:
    """A run's name as matplotlib shows it literally: no formulas, no hiding, not too long."""
    literal = _short(name).replace("$", r"\$")
    return f" {literal}" if literal.startswith("_") else literal


def _short(name: str) -> str:
    short = name if len(name) <= _LONGEST_NAME else f"…{name[-_LONGEST_NAME:]}"
    return "".join(character if character.isprintable() else "�" for character in short)
