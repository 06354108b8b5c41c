"""Runs beside one another and beside OpenAI's figures as one picture: the losses' three costs, and HellaSwag."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt25.errors import PlotError
from gpt25.plots.curves import downsample, smooth
from gpt25.plots.formatting import axis_label, axis_number
from gpt25.plots.measures.published_lines import HELLASWAG, PublishedLine
from gpt25.plots.pictures.drawing import (
    COLOURS,
    FAINT_INK,
    INK,
    lighten_frame,
    literal,
    new_figure,
    printable,
    title_panel,
)
from gpt25.plots.pictures.figure_bytes import figure_bytes
from gpt25.plots.pictures.panels import extra_inches, head_figure
from gpt25.plots.pictures.picture_format import picture_format
from gpt25.plots.report.compared_run import ComparedRun
from gpt25.plots.report.comparison import by_money
from gpt25.plots.report.lines_chart import Line, vertical_range
from gpt25.plots.report.scores import hellaswag_drawn
from gpt25.storage import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANEL_INCHES = (6.4, 4.3)
_MOST_MARKS = 60
_LINE = (
    "The same losses by what they cost: the run whose line is lower at the same place is ahead there; dashed lines are "
    "published figures."
)
_COLUMNS = 1200
Draw = Callable[["Axes"], None]


def draw_comparison(runs: Sequence[ComparedRun], lines: Sequence[PublishedLine], output: str | Path) -> None:
    """Draw validation loss against tokens, time and money, and HellaSwag against tokens, as far as they are known.

    lines: OpenAI's figures, each drawn where its measure is. Training loss is a faint smoothed line behind the losses
    against tokens. Raises PlotError where there is no validation loss, StorageError where `output` cannot be written.
    """
    file_format = picture_format(output)
    if file_format == "html":
        raise PlotError(f"{Path(output).name} is a page; the picture of a comparison is a .png or .svg file.")
    if not any(run.points("validation_loss") for run in runs):
        raise PlotError("no run has a validation loss to draw yet. Train until the first is measured.")
    panels = _panels(runs, lines)
    down = -(-len(panels) // 2)
    width = _PANEL_INCHES[0] * 2
    figure = new_figure(width, _PANEL_INCHES[1] * down + 0.5 + extra_inches(_LINE, width))
    names = [printable(run.name) for run in runs]
    body = head_figure(figure, names[0] if len(names) == 1 else f"{len(names)} runs", _LINE)
    all_axes = body.subplots(down, 2, squeeze=False).flat
    for axes, draw in zip(all_axes, panels, strict=False):
        draw(axes)
    for axes in list(all_axes)[len(panels) :]:
        axes.set_axis_off()
    if len(runs) > 1:
        from matplotlib.lines import Line2D

        keys = [Line2D([], [], color=_colour(number), linewidth=2.2) for number in range(len(runs))]
        legend = body.legend(keys, names, loc="outside lower left", ncols=min(4, len(runs)), frameon=False)
        for entry in legend.get_texts():
            literal(entry).set_color(INK)
    write_bytes(output, figure_bytes(figure, file_format))


def _panels(runs: Sequence[ComparedRun], lines: Sequence[PublishedLine]) -> list[Draw]:
    """The panels that there is something for, each a function that draws itself."""
    reference_lines = [(line.label, line.value) for line in lines if not line.higher_is_better]
    by_tokens = [Line(run.name, run.points("validation_loss"), True) for run in runs]
    by_seconds = [Line(run.name, run.points("validation_loss", against="elapsed_seconds"), True) for run in runs]
    in_nats = runs[0].loss_unit == "nats per token"  # training text has another number of bytes a token
    behind = [smooth(run.points("training_loss")) for run in runs] if in_nats else []
    what = "Validation loss" if in_nats else f"Validation loss, {runs[0].loss_unit},"

    def against_tokens(panel: "Axes") -> None:
        largest = _largest(by_tokens)
        axis = axis_label("tokens", largest=largest)
        for number, points in enumerate(behind):
            kept = downsample(points, columns=_COLUMNS)
            across = [x / axis.unit for x, _ in kept]
            panel.plot(across, [y for _, y in kept], color=_colour(number), alpha=0.3, linewidth=1.0, zorder=2)
        _draw(panel, _scaled(by_tokens, axis.unit), reference_lines, axis.title, f"{what} against tokens")

    def against_time(panel: "Axes") -> None:
        axis = axis_label("seconds", largest=_largest(by_seconds))
        _draw(panel, _scaled(by_seconds, axis.unit), reference_lines, axis.title, f"{what} against time")

    def against_money(panel: "Axes") -> None:
        currency = next(run.currency for run in runs if run.price_per_hour)
        _draw(panel, by_money(runs), reference_lines, currency, f"{what} against money")

    def hellaswag(panel: "Axes") -> None:
        drawn = hellaswag_drawn(runs)
        axis = axis_label("tokens", largest=_largest(drawn))
        published = [(line.label.removesuffix(" on HellaSwag"), line.value) for line in lines if line.higher_is_better]
        first = ", ".join(line.name for line in drawn[: len(runs)] if line.points and line.name.count(", first "))
        _draw(panel, _scaled(drawn, axis.unit), published, axis.title, "HellaSwag, acc_norm", remark=first)

    panels: list[Draw] = [against_tokens]
    panels += [against_time] if any(line.points for line in by_seconds) else []
    panels += [against_money] if any(run.price_per_hour for run in runs) else []
    panels += [hellaswag] if any(run.last_of(HELLASWAG) is not None for run in runs) else []
    return panels


def _draw(
    panel: "Axes",
    drawn: Sequence[Line],
    reference_lines: Sequence[tuple[str, float]],
    across: str,
    title: str,
    remark: str = "",
) -> None:
    """Lines with a mark for every measurement, and the reference lines near them with their names."""
    from matplotlib.ticker import FuncFormatter

    low, high = vertical_range(drawn, reference_lines)
    for number, line in enumerate(drawn):
        marker = "o" if len(line.points) <= _MOST_MARKS else None
        panel.plot(
            [x for x, _ in line.points],
            [y for _, y in line.points],
            color=_colour(number),
            linewidth=1.8,
            marker=marker,
            markersize=4.5,
            markerfacecolor="white",
            zorder=3,
        )
    for label, value in reference_lines:
        if low <= value <= high:
            panel.axhline(value, color=FAINT_INK, linewidth=1.0, linestyle=(0, (6, 4)), zorder=1)
            where: dict[str, Any] = {"transform": panel.get_yaxis_transform(), "ha": "right", "va": "bottom"}
            panel.text(0.995, value, f"{label} {value:g}", color=INK, fontsize=9, zorder=4, **where)
    panel.set_ylim(low, high)
    panel.set_xlim(left=0)
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: axis_number(value)))
    literal(panel.set_xlabel(printable(across), color=FAINT_INK, fontsize=10))
    title_panel(panel, title, printable(remark))
    lighten_frame(panel)


def _scaled(lines: Sequence[Line], unit: float) -> list[Line]:
    return [Line(line.name, [(x / unit, y) for x, y in line.points], line.marked) for line in lines]


def _largest(lines: Sequence[Line]) -> float:
    return max((x for line in lines for x, _ in line.points), default=1.0)


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]
