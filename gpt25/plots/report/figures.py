"""What the report's comparing sections are put together from: figures of lines, and tables."""

from collections.abc import Callable, Sequence

from gpt25.plots.curves import Point
from gpt25.plots.html_text import text
from gpt25.plots.report.compared_run import ComparedRun
from gpt25.plots.report.lines_chart import Line, lines_chart
from gpt25.plots.wording import axis_wording

Levels = Sequence[tuple[str, float]]
_WIDE, _NARROW = (812, 340), (358, 280)


def figure(title: str, lines: Sequence[Line], *, across_title: str, levels: Levels = ()) -> str:
    """A chart with its key, drawn twice: for wide windows and for phones."""
    charts = "".join(
        f'<div class="{name}">'
        f"{lines_chart(lines, levels=levels, across_title=across_title, width=width, height=height)}</div>"
        for name, (width, height) in (("wide", _WIDE), ("narrow", _NARROW))
    )
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
    levels: Levels = (),
    change: Callable[[list[Point]], list[Point]] = list,
) -> str:
    """A figure of one field of the metrics against tokens or seconds, nothing where no run has it."""
    points = [run.points(field, against=across) for run in runs]
    lines = [Line(run.name, change(line), field == "validation_loss") for run, line in zip(runs, points, strict=True)]
    return figure_of(lines, title, across=across, levels=levels)


def figure_of(lines: Sequence[Line], title: str, *, across: str = "tokens", levels: Levels = ()) -> str:
    """The same of lines whose points lie at tokens or seconds."""
    largest = max((x for line in lines for x, _ in line.points), default=0.0)
    if not largest:
        return ""
    wording = axis_wording("tokens" if across == "tokens" else "seconds", largest=largest)
    drawn = [Line(line.name, [(x / wording.unit, y) for x, y in line.points], line.marked) for line in lines]
    return figure(title, drawn, across_title=wording.title, levels=levels)


def table(heads: Sequence[str], rows: str) -> str:
    """A table that scrolls by itself where the window is narrow."""
    head = "".join(f"<th>{text(name)}</th>" for name in heads)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
