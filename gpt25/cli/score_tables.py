"""Scores and their differences as tables on a terminal."""

from collections.abc import Sequence

from gpt25.cli.output import Output
from gpt25.evaluation import Difference, Measurement, groups_last
from gpt25.references.published_score import PublishedScore


def show_scores(
    title: str,
    models: Sequence[str],
    results: Sequence[Sequence[Measurement]],
    references: Sequence[PublishedScore],
    output: Output,
) -> None:
    """Every model's figures (`models` names them) with published ones below, and the parts of the first one's."""
    rows = []
    for model, measurements in zip(models, results, strict=False):
        totals, _ = groups_last(measurements)
        rows += [(each.metric, model, number(each.value), _errors(each), each.definition) for each in totals]
    named = {row[0] for row in rows}
    for each in references:
        name = each.metric if each.metric in named else f"({each.metric})"
        rows.append((name, each.model, number(each.value), "", f"{each.definition}; {each.source}"))
    output.table(title, ("metric", "model", "value", "± s.e.", "definition"), rows)
    parts = [(each.metric, number(each.value), error(each.standard_error)) for each in groups_last(results[0])[1]]
    if parts:
        output.say()
        output.table("Its parts", ("part", "value", "± s.e."), parts)
    output.say()


def show_differences(models: Sequence[str], differences: Sequence[Difference], output: Output) -> None:
    """By how much the first model is above the second, and how likely that is by chance; of whole sets only."""
    rows = [
        (
            each.metric,
            f"{each.value:+.5g}",
            error(each.standard_error),
            "" if each.p_value is None else f"{each.p_value:.3g}",
            each.test,
        )
        for each in differences
        if " " not in each.metric
    ]
    output.say()
    all_paired = all(each.is_paired for each in differences)
    title = f"{models[0]} minus {models[1]}{', on the same items' if all_paired else ''}"
    output.table(title, ("metric", "difference", "± s.e.", "p", "test"), rows)


def _errors(measurement: Measurement) -> str:
    """The formula's error, and of a perplexity the bootstrap's behind it."""
    formula = error(measurement.standard_error)
    bootstrap = measurement.bootstrap_error
    return formula if bootstrap is None else f"{formula} (bootstrap {error(bootstrap)})"


def number(value: float) -> str:
    """number(0.29446) -> "0.2945"; number(1234.5) -> "1,234.50"."""
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.2f}"


def error(value: float | None) -> str:
    """A standard error in two digits, nothing where there is none."""
    return "" if value is None else f"{value:.2g}"


def limited(limit: int | None) -> str:
    """What marks a quick look."""
    return "" if limit is None else f" (only the first {limit:,}: a quick look, not the score)"
