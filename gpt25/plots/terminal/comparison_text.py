"""A comparison as text of 80 columns or fewer: the table, the graph, and the sentences on published figures."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from gpt25.plots.formatting import axis_label, count, duration
from gpt25.plots.measures.published_lines import PublishedLine
from gpt25.plots.report.compared_run import ComparedRun
from gpt25.plots.report.comparison import milestone_sentences
from gpt25.plots.report.lines_chart import Line
from gpt25.plots.terminal.character_chart import LETTERS, character_chart

COLUMNS = 80
_ROWS = 16
_LONGEST_NAME = 16


@dataclass(frozen=True)
class ComparisonText:
    """Headings and rows of the table, and the lines of the graph and below it."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    graph: list[str]
    sentences: list[str]


def comparison_text(
    runs: Sequence[ComparedRun],
    lines: Sequence[PublishedLine],
    remarks: Sequence[str],
    *,
    columns: int = COLUMNS,
    braille: bool = True,
) -> ComparisonText:
    """What `gpt25 compare` says: every run's letter, losses, tokens and time, then how the losses fell.

    remarks: what the figures do not tell. columns: the room there is, of which at most 80 are used. braille: whether
    dots can be shown; without them only letters are drawn.
    """
    return ComparisonText(
        title=f"validation loss, {runs[0].loss_unit}",
        columns=("run", "last", "lowest", "tokens", "time", "tokens/s"),
        rows=[_row(number, run) for number, run in enumerate(runs)],
        graph=_graph(runs, lines, columns=min(columns, COLUMNS), braille=braille),
        sentences=[
            textwrap.fill(sentence, min(columns, COLUMNS), break_long_words=False)
            for sentence in (
                *remarks,
                *(f"{run.name} is not finished." for run in runs if not run.facts.summary.finished),
                *(f"{sentence}." for run in runs for sentence in milestone_sentences(run, runs, lines)),
            )
        ],
    )


def _row(number: int, run: ComparedRun) -> tuple[str, ...]:
    losses, summary = [loss for _, loss in run.points("validation_loss")], run.facts.summary
    speed = run.facts.tokens_per_second
    return (
        f"{LETTERS[number % len(LETTERS)]} {_shortened(run.name)}",
        f"{losses[-1]:.4f}" if losses else "",
        f"{min(losses):.4f}" if losses else "",
        "" if summary.tokens is None else count(summary.tokens),
        "" if summary.training_seconds is None else duration(summary.training_seconds),
        "" if speed is None else f"{speed:,.0f}",
    )


def _shortened(name: str) -> str:
    """Names of runs differ at their ends."""
    return name if len(name) <= _LONGEST_NAME else "…" + name[1 - _LONGEST_NAME :]


def _graph(runs: Sequence[ComparedRun], lines: Sequence[PublishedLine], *, columns: int, braille: bool) -> list[str]:
    losses = [run.points("validation_loss") for run in runs]
    if max(map(len, losses), default=0) < 2:
        return []
    axis = axis_label("tokens", largest=max(x for points in losses for x, _ in points))
    drawn = [
        Line(run.name, [(x / axis.unit, y) for x, y in points], True) for run, points in zip(runs, losses, strict=True)
    ]
    published = [(line.label, line.value) for line in lines if not line.higher_is_better]
    return character_chart(
        drawn, reference_lines=published, across_title=axis.title, columns=columns, rows=_ROWS, braille=braille
    )
