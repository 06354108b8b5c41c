"""The verdict on the disk and on the page: verdict.json, verdict.md, loss.png and report.html."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gpt25.errors import GPT25Error
from gpt25.figures.positions_of_run import positions_of_run
from gpt25.plots import (
    HELLASWAG,
    PublishedLine,
    ReportSettings,
    VerdictRow,
    VerdictSection,
    draw_losses,
    loss_reference_lines,
    write_report,
)
from gpt25.recipes.reporter import Reporter
from gpt25.recipes.reproduction.verdict import SIGNIFICANCE, Verdict
from gpt25.recipes.score_comparisons import score_comparisons
from gpt25.records import RunDirectory, money_text
from gpt25.storage import resolved, write_json, write_text

_LINES = {"loss": "validation_loss", "accuracy_norm": HELLASWAG}
"""Metrics that are measured along a run, and where metrics.jsonl has them."""


def verdict_path(run: RunDirectory) -> Path:
    """Where the verdict is kept."""
    return run.path / "verdict.json"


def write_verdict(
    run: RunDirectory, verdict: Verdict, *, opponent: Sequence[dict[str, Any]], reporter: Reporter
) -> None:
    """Write the verdict first, then the pictures; a picture that cannot be drawn is a remark."""
    write_json(verdict_path(run), verdict.as_json())
    write_text(run.path / "verdict.md", verdict.as_markdown())
    measured = _measured_lines(opponent)
    lines = [(line.label, line.value) for line in measured if line.measure == "validation_loss"]
    try:
        draw_losses([run], run.loss_picture_path, reference_lines=[*loss_reference_lines([run]), *lines])
        settings = ReportSettings(
            positions=positions_of_run(run, note=reporter.note),
            evaluations=opponent,
            comparisons=score_comparisons([(resolved(run.path).name, run)], opponent),
            measured=measured,
            verdict=_section(verdict),
        )
        write_report(run, run.report_path, settings=settings)
    except GPT25Error as problem:
        reporter.note(f"the pictures of {run.path} could not be drawn: {problem}")


def _measured_lines(opponent: Sequence[dict[str, Any]]) -> list[PublishedLine]:
    """The opponent's figures as level lines of the graphs, as they were measured here."""
    return [
        PublishedLine(
            f"{result['model']}, measured here",
            value,
            f"{result['title']}: {result['definitions'].get(metric, '')}",
            "measured here",
            _LINES[metric],
        )
        for result in opponent
        for metric, value in result["metrics"].items()
        if metric in _LINES
    ]


def _section(verdict: Verdict) -> VerdictSection:
    money = "" if verdict.money is None else f", {money_text(verdict.money, verdict.currency)}"
    return VerdictSection(
        sentence=verdict.in_words,
        opponent=verdict.opponent,
        rows=[
            VerdictRow(
                each.name,
                each.ours,
                each.opponent,
                each.difference,
                each.standard_error,
                each.p_value,
                each.verdict,
                each.definition,
                each.test,
            )
            for each in verdict.figures
        ],
        cost=f"{verdict.tokens:,} tokens in {verdict.hours:.2f} hours of training, without pauses{money}",
        note=(
            f"A figure counts as better or worse where p is below {SIGNIFICANCE:g} over the number of figures. One run "
            "was trained: what another seed would change is in no error."
        ),
        commands=verdict.commands,
    )
