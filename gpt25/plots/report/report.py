"""The report of one run or several: one HTML file that holds everything it shows and fetches nothing."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from gpt25.counted import counted
from gpt25.markup import text
from gpt25.plots.measures.data_set import lines_beside
from gpt25.plots.measures.loss_measure import loss_measure
from gpt25.plots.page_assets import page_asset, script_hash
from gpt25.plots.page_style import REPORT_STYLE
from gpt25.plots.report import comparison, sections
from gpt25.plots.report import scores as evaluations
from gpt25.plots.report.compared_run import ComparedRun, compared_runs
from gpt25.plots.report.run_facts import headline
from gpt25.plots.report.settings import ReportSettings
from gpt25.plots.report.verdict import verdict
from gpt25.records import RunDirectory, is_trial
from gpt25.storage import write_text

_TRIAL = (
    '<p class="alarm-note">A trial on a small copy: its text, its items and its opponent were made for it. Nothing '
    "here says anything about OpenAI's GPT-2.</p>"
)


def write_report(
    runs: RunDirectory | Sequence[RunDirectory], output: str | Path, *, settings: ReportSettings | None = None
) -> list[ComparedRun]:
    """Write the report of runs, finished or not, into one self-contained HTML file, atomically.

    Returns what it says of each run. Raises PlotError where several runs cannot be compared, CorruptFileError or
    StorageError where one of their files cannot be read or `output` not be written.
    """
    page, compared = report_page(runs, settings=settings)
    write_text(output, page)
    return compared


def report_page(
    runs: RunDirectory | Sequence[RunDirectory], *, settings: ReportSettings | None = None
) -> tuple[str, list[ComparedRun]]:
    """The page itself, and what it says of each run; raises what `write_report` raises, but for the output's sake."""
    settings = settings or ReportSettings()
    runs = [runs] if isinstance(runs, RunDirectory) else list(runs)
    lines = [*lines_beside(runs, settings.data_set), *settings.measured]
    compared = compared_runs(runs, lines, price_per_hour=settings.price_per_hour, currency=settings.currency)
    own = _one(compared[0]) if len(compared) == 1 else _several(compared, loss_measure(runs).remarks)
    opening, losses, rest, ending = own
    body = [
        opening,
        _TRIAL if any(is_trial(run.recipe) for run in compared) else "",
        verdict(settings.verdict),
        comparison.milestones(compared, lines),
        losses,
        comparison.validation_losses(compared, lines),
        evaluations.hellaswag(compared, lines),
        evaluations.scores(compared, settings.evaluations),
        evaluations.comparisons(settings.comparisons),
        rest,
        comparison.positions(settings.positions),
        comparison.course(compared),
        ending,
    ]
    return _page(_title(compared), body, reload_seconds=settings.reload_seconds), compared


def _one(run: ComparedRun) -> tuple[str, str, str, str]:
    """Opening, losses, what stands in the middle, and the end of one run's report."""
    facts = run.facts
    rest = "\n".join([sections.compression(facts), sections.samples(facts)])
    ending = "\n".join([sections.details(facts), sections.next_commands(facts), sections.footer()])
    return sections.opening(facts), sections.losses(facts), rest, ending


def _several(runs: Sequence[ComparedRun], remarks: Sequence[str]) -> tuple[str, str, str, str]:
    """The same of several runs."""
    names = ", ".join(run.name for run in runs)
    opening = (
        f'<header><p class="eyebrow">{text(names)}</p><h1>{text(_title(runs))}</h1></header>'
        + comparison.overview(runs, remarks)
    )
    samples = "".join(
        f"<details><summary>What {text(run.name)} writes</summary>{shown}</details>"
        for run in runs
        if (shown := sections.samples(run.facts))
    )
    machines = "".join(
        f"<details><summary>{text(run.name)}</summary>{sections.details(run.facts)}</details>" for run in runs
    )
    return opening, "", comparison.recipe_differences(runs) + samples, machines + sections.footer()


def _title(runs: Sequence[ComparedRun]) -> str:
    if len(runs) == 1:
        return f"{runs[0].facts.summary.title}: {headline(runs[0].facts)}"
    measured = [(losses[-1][1], run.name) for run in runs if (losses := run.points("validation_loss"))]
    unit = "" if runs[0].loss_unit == "nats per token" else f" {runs[0].loss_unit}"
    best = f": {min(measured)[1]} has the lowest last validation loss, {min(measured)[0]:.4f}{unit}" if measured else ""
    return f"{counted(len(runs), 'runs')}{best}"


def _page(title: str, body: Sequence[str], *, reload_seconds: float | None) -> str:
    """Nothing may be fetched, and no script may run; but while it is live, the page itself in a frame, and live.js."""
    script, allowed, version = "", "", ""
    images = " img-src data:;" if any('src="data:' in part for part in body) else ""
    if reload_seconds is not None:
        code = page_asset("live.js").replace("INTERVAL", str(round(1000 * reload_seconds)))
        script, images = f"<script>{code}</script>", " img-src data:;"
        allowed = f" script-src '{script_hash(code)}'; frame-src 'self' file:;"
        version = f' data-version="{hashlib.sha256("".join(body).encode("utf-8")).hexdigest()[:16]}"'
    policy = f"default-src 'none'; style-src 'unsafe-inline';{images}{allowed} base-uri 'none'; form-action 'none'"
    parts = [
        "<!doctype html>",
        f'<html lang="en"{version}><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{text(title)}</title>",
        f"<style>{REPORT_STYLE}</style></head><body><main>",
        *body,
        f"</main>{script}</body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"
