"""What the report's comparing sections are put together from: figures of lines, and tables."""

from collections.abc import Callable, Sequence

from gpt25.markup import text
from gpt25.plots.curves import Point
from gpt25.plots.formatting import axis_label
from gpt25.plots.report.compared_run import ComparedRun
from gpt25.plots.report.lines_chart import Line, lines_chart

ReferenceLines = Sequence[tuple[str, float]]
_WIDE, _NARROW = (812, 340), (358, 280)


def figure(title: str, lines: Sequence[Line], *, across_title: str, reference_lines: ReferenceLines = ()) -> str:
    """A chart with its key, drawn twice: for wide windows and for phones."""
    drawn = {
        name: lines_chart(lines, reference_lines=reference_lines, across_title=across_title, width=width, height=height)
        for name, (width, height) in (("wide", _WIDE), ("narrow", _NARROW))
    }
    charts = "".join(f'<div class="{name}">{chart}</div>' for name, chart in drawn.items())
    keys = "".join(
        f'<span><span class="swatch line-{number % 6}"></span>{text(line.name)}</span>'
        for number, line in enumerate(lines if len(lines) > 1 else [])
    )
    return f"<figure><figcaption><b>{text(title)}</b>{keys}</figcaption>{charts}</figure>"


def against(
    field: str,
    runs: Sequence[ComparedRun],
    across: str,
    title: str,
    reference_lines: ReferenceLines = (),
    change: Callable[[list[Point]], list[Point]] = list,
) -> str:
    """A figure of one field of the metrics against tokens or seconds, nothing where no run has it."""
    points = [run.points(field, against=across) for run in runs]
    lines = [Line(run.name, change(line), field == "validation_loss") for run, line in zip(runs, points, strict=True)]
    return figure_of(lines, title, across=across, reference_lines=reference_lines)


def figure_of(
    lines: Sequence[Line], title: str, *, across: str = "tokens", reference_lines: ReferenceLines = ()
) -> str:
    """The same of lines whose points lie at tokens or seconds."""
    largest = max((x for line in lines for x, _ in line.points), default=0.0)
    if not largest:
        return ""
    axis = axis_label("tokens" if across == "tokens" else "seconds", largest=largest)
    drawn = [Line(line.name, [(x / axis.unit, y) for x, y in line.points], line.marked) for line in lines]
    return figure(title, drawn, across_title=axis.title, reference_lines=reference_lines)


def table(columns: Sequence[str], rows: str) -> str:
    """A table that scrolls by itself where the window is narrow."""
    head = "".join(f"<th>{text(name)}</th>" for name in columns)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
