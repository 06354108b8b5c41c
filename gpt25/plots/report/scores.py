"""The report's sections on evaluations: HellaSwag along the run, and every score with its error and definition."""

from collections.abc import Sequence
from typing import Any

from gpt25.markup import text
from gpt25.plots.measures.published_lines import HELLASWAG, PublishedLine
from gpt25.plots.report.compared_run import ComparedRun, is_number
from gpt25.plots.report.figures import figure_of, table
from gpt25.plots.report.lines_chart import Line
from gpt25.plots.report.score_comparison import ScoreComparison
from gpt25.records import is_trial
from gpt25.references.published_score import PARAMETERS
from gpt25.references.scores import scores_beside

_HELLASWAG = "The share of items whose right ending is the likeliest for its length: higher is better, 0.25 is chance."


def hellaswag(runs: Sequence[ComparedRun], lines: Sequence[PublishedLine]) -> str:
    """HellaSwag against tokens: by all items (training's own or of evaluated checkpoints), and by the first ones."""
    published = [line for line in lines if line.measure == HELLASWAG]
    drawn = hellaswag_drawn(runs)
    if not any(line.points for line in drawn):
        return ""
    reference_lines = [(line.label.removesuffix(" on HellaSwag"), line.value) for line in published]
    figure = figure_of(drawn, "acc_norm, completion style", reference_lines=reference_lines)
    notes = [f"{line.label}: {line.definition} ({line.source})" for line in published]
    for run in runs:
        rows = run.hellaswag_rows(all_items=False)
        error = rows[-1].get("hellaswag_standard_error") if rows else None
        if is_number(error):
            notes.append(
                f"{run.name}: only the first {run.hellaswag_items:,} items were scored on the way, so that its points "
                f"have a standard error of {error:.2g}, and the lines are of all 10,042"
            )
    return (
        f'<section><h2>HellaSwag</h2><p>{_HELLASWAG}</p>{figure}<p class="note">{text("; ".join(notes))}.</p></section>'
    )


def hellaswag_drawn(runs: Sequence[ComparedRun]) -> list[Line]:
    """One line a run, in the runs' order and perhaps empty; behind them checkpoints scored on more items than that."""
    lines, others = [], []
    for run in runs:
        first, full = (
            [(float(row["tokens"]), float(row[HELLASWAG])) for row in run.hellaswag_rows(all_items=all_items)]
            for all_items in (False, True)
        )
        name = f"{run.name}, first {run.hellaswag_items:,} items" if first else run.name
        lines.append(Line(name, first or full, True))
        others += [Line(f"{run.name}, all items", full, True)] if first and full else []
    return lines + others


def scores(runs: Sequence[ComparedRun], others: Sequence[dict[str, Any]] = ()) -> str:
    """Every evaluation with its error and definition, published figures below each task.

    others: evaluations of models that are no runs.
    """
    found = [(_of_run(run, each), each) for run in runs for each in run.evaluations]
    found += [(str(each.get("model", "")), each) for each in others]
    parameters = max((run.parameters or 0 for run in runs), default=0) or PARAMETERS["gpt2"]
    trial = any(is_trial(run.recipe) for run in runs)
    tables = ""
    for task in sorted({each["task"] for _, each in found}):
        rows = ""
        for name, each in found:
            if each["task"] == task:
                limited = f", only the first {each['limit']:,}" if isinstance(each.get("limit"), int) else ""
                for metric, value in each["metrics"].items():
                    error = (each.get("standard_errors") or {}).get(metric)
                    definition = (each.get("definitions") or {}).get(metric, "")
                    spread = _spread(error)
                    bootstrap = (each.get("bootstrap_errors") or {}).get(metric)
                    spread += f" (bootstrap {bootstrap:.2g})" if is_number(bootstrap) else ""
                    rows += _row(name + limited, _number(value), spread, metric, definition)
        for score in [] if trial else scores_beside(task, parameters):
            definition = f"{score.definition}; {score.source}"
            rows += _row(f"{score.model} (published)", _number(score.value), "", score.metric, definition)
        tables += f"<h3>{text(task)}</h3>{_table(('model', 'value ± s.e.', 'what is measured'), rows)}"
    return f"<section><h2>Scores</h2>{tables}</section>" if tables else ""


def _of_run(run: ComparedRun, evaluation: dict[str, Any]) -> str:
    update = evaluation.get("update")
    return f"{run.name}, update {update:,}" if isinstance(update, int) else run.name


def comparisons(found: Sequence[ScoreComparison]) -> str:
    """Which of two models is better, and whether that could be chance."""
    if not found:
        return ""
    rows = "".join(
        _row(
            f"{each.first} minus {each.second}",
            f"{each.difference:+.5g}",
            _spread(each.standard_error) + ("" if each.p_value is None else f", p = {each.p_value:.3g}"),
            f"{each.task}, {each.metric}",
            each.test,
        )
        for each in found
    )
    listed = _table(("models", "difference ± s.e.", "what is measured, and the test"), rows)
    explanation = (
        "On the same items, item by item (texts that two models cut differently: by article). p is how likely so large "
        "a difference is between equally good models."
    )
    return f"<section><h2>Is the difference real?</h2><p>{explanation}</p>{listed}</section>"


def _table(columns: Sequence[str], rows: str) -> str:
    """Narrow enough for a phone: what belongs together stands in one cell."""
    return table(columns, rows).replace("<table>", '<table class="scores">')


def _row(model: str, value: str, beside: str, metric: str, definition: str) -> str:
    spread, how = (f"<small>{text(detail)}</small>" if detail else "" for detail in (beside, definition))
    return f"<tr><th>{text(model)}</th><td>{text(value)}{spread}</td><td>{text(metric)}{how}</td></tr>"


def _number(value: Any) -> str:
    return f"{value:.4f}" if is_number(value) else ""


def _spread(error: Any) -> str:
    return f"± {error:.2g}" if is_number(error) else ""
