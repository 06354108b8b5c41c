"""The report's sections that lay runs beside one another and beside published figures."""

import base64
from collections.abc import Callable, Sequence
from typing import Any

from gpt25.plots.compared_run import ComparedRun
from gpt25.plots.curves import Point, smooth
from gpt25.plots.lines_chart import Line, lines_chart
from gpt25.plots.positions import PositionsOfModel, matrix_picture
from gpt25.plots.published_lines import PublishedLine, hellaswag_lines
from gpt25.plots.report_sections import text
from gpt25.plots.wording import axis_wording, duration, share
from gpt25.references.scores import scores_beside

_WIDE, _NARROW = (812, 340), (358, 280)


def milestones(runs: Sequence[ComparedRun], lines: Sequence[PublishedLine]) -> str:
    """Which published lines each run has passed, and where, in words."""
    if not lines:
        return ""
    items = ""
    for run in runs:
        losses = run.points("validation_loss")
        if not losses:
            continue
        passed = {each.line: each for each in run.crossings}
        for line in lines:
            lead = f"{run.name} " if len(runs) > 1 else "This run "
            sentence = (
                passed[line.label].in_words
                if line.label in passed
                else f"stays above {line.label} ({line.value:g}): its last validation loss is {losses[-1][1]:.4f}"
            )
            items += f"<li>{text(lead + sentence)}.</li>"
    definitions = sorted({f"{line.definition} ({line.source})" for line in lines})
    note = f'<p class="note">Lines: {text("; ".join(definitions))}. A crossing counts when no later validation lies '
    note += "above the line; its place is on a straight line between two validations. A validation split of one's own "
    note += "is another sample of the same set.</p>"
    return f"<section><h2>Beside OpenAI's models</h2><ul>{items}</ul>{note}</section>" if items else ""


def validation_losses(
    runs: Sequence[ComparedRun], lines: Sequence[PublishedLine], *, price_per_hour: float | None
) -> str:
    """Validation loss against tokens, wall-clock and money; of one run with neither lines nor a price, nothing new."""
    if not any(run.points("validation_loss") for run in runs) or not (len(runs) > 1 or lines or price_per_hour):
        return ""
    levels = [(line.label, line.value) for line in lines]
    figures = _against("validation_loss", runs, "tokens", "Against tokens", levels)
    figures += _against("validation_loss", runs, "elapsed_seconds", "Against time", levels)
    if price_per_hour:
        unit = 3600 / price_per_hour
        drawn = [
            Line(run.name, run.points("validation_loss", against="elapsed_seconds", unit=unit), True) for run in runs
        ]
        title = f"USD at {price_per_hour:g} an hour"
        figures += _figure("Against money", drawn, across_title=title, levels=levels)
    return f"<section><h2>Validation loss</h2><p>Nats per token on held-out text.</p>{figures}</section>"


def hellaswag(runs: Sequence[ComparedRun]) -> str:
    """HellaSwag against tokens, where whole evaluations of checkpoints were recorded."""
    drawn = [Line(run.name, _hellaswag_points(run), True) for run in runs]
    drawn = [line for line in drawn if line.points]
    if not drawn:
        return ""
    largest = max(x for line in drawn for x, _ in line.points)
    wording = axis_wording("tokens", largest=largest)
    drawn = [Line(line.name, [(x / wording.unit, y) for x, y in line.points], True) for line in drawn]
    published = hellaswag_lines(max((run.parameters or 0 for run in runs), default=0))
    levels = [(line.label, line.value) for line in published]
    figure = _figure("acc_norm, completion style", drawn, across_title=wording.title, levels=levels)
    notes = "; ".join(f"{line.label}: {line.definition} ({line.source})" for line in published)
    return f'<section><h2>HellaSwag</h2>{figure}<p class="note">{text(notes)}.</p></section>'


def course(runs: Sequence[ComparedRun]) -> str:
    """Learning rate, gradient norm, speed and utilisation against tokens."""
    figures = _against("learning_rate", runs, "tokens", "Learning rate")
    figures += _against("gradient_norm", runs, "tokens", "Gradient norm, smoothed", change=smooth)
    figures += _against("tokens_per_second", runs, "tokens", "Tokens per second, smoothed", change=smooth)
    shares = [(run, run.utilisation_per_token) for run in runs]
    known = [(run, factor) for run, factor in shares if factor is not None]
    for run, factor in known:

        def of_peak(points: list[Point], factor: float = factor) -> list[Point]:
            return [(x, 100 * factor * y) for x, y in smooth(points)]

        title = f"Utilisation of {run.name}, % of the GPU's bfloat16 peak"
        figures += _against("tokens_per_second", [run], "tokens", title, change=of_peak)
    return f"<section><h2>The course of training</h2>{figures}</section>" if figures else ""


def overview(runs: Sequence[ComparedRun]) -> str:
    """Several runs in a table: what they reached, at what cost."""
    rows = ""
    for number, run in enumerate(runs):
        losses, summary = run.points("validation_loss"), run.facts.summary
        speed = run.facts.tokens_per_second
        cells = [
            f"{losses[-1][1]:.4f}" if losses else "",
            f"{min(loss for _, loss in losses):.4f}" if losses else "",
            "" if summary.tokens is None else f"{summary.tokens:,}",
            "" if summary.training_seconds is None else duration(summary.training_seconds),
            "" if speed is None else f"{speed:,.0f}",
            "finished" if summary.finished else "unfinished",
        ]
        shown = "".join(f"<td>{text(cell)}</td>" for cell in cells)
        rows += f'<tr><th><span class="swatch line-{number % 6}"></span>{text(run.name)}</th>{shown}</tr>'
    heads = ("run", "last loss", "lowest", "tokens", "time", "tokens/s", "")
    return f"<section>{_table(heads, rows)}</section>"


def recipe_differences(runs: Sequence[ComparedRun]) -> str:
    """The settings in which several runs differ."""
    flat = [_flat(run.recipe) for run in runs]
    names = sorted({name for settings in flat for name in settings})
    rows = ""
    for name in names:
        values = [settings.get(name, "–") for settings in flat]
        if any(value != values[0] for value in values):
            rows += f"<tr><th>{text(name)}</th>{''.join(f'<td>{text(value)}</td>' for value in values)}</tr>"
    table = _table(("setting", *(run.name for run in runs)), rows) if rows else "<p>Their recipes are the same.</p>"
    return f"<section><h2>What differs between the runs</h2>{table}</section>"


def scores(runs: Sequence[ComparedRun]) -> str:
    """Every recorded evaluation with its error and definition, published figures below each task."""
    rows = ""
    tasks = sorted({each["task"] for run in runs for each in run.evaluations})
    for task in tasks:
        for run in runs:
            for each in (found for found in run.evaluations if found["task"] == task):
                where = f"{run.name}, update {each['update']:,}" if isinstance(each.get("update"), int) else run.name
                where += f", only the first {each['limit']:,}" if isinstance(each.get("limit"), int) else ""
                for metric, value in each["metrics"].items():
                    error = (each.get("standard_errors") or {}).get(metric)
                    definition = (each.get("definitions") or {}).get(metric, "")
                    rows += _score_row(task, metric, where, value, error, definition)
        parameters = max((run.parameters or 124_439_808 for run in runs), default=124_439_808)
        for score in scores_beside(task, parameters):
            definition = f"{score.definition}; {score.source}"
            rows += _score_row(task, score.metric, f"{score.model} (published)", score.value, None, definition)
    if not rows:
        return ""
    table = _table(("task", "metric", "model", "value", "± s.e.", "definition"), rows)
    return f"<section><h2>Scores</h2>{table}</section>"


def positions(models: Sequence[PositionsOfModel]) -> str:
    """Positional embeddings as grey pictures, with their roughness."""
    if not models:
        return ""
    pictures = "".join(
        f"<figure><figcaption><b>{text(model.name)}</b>roughness {share(model.overall_roughness)}</figcaption>"
        f'<img alt="positional embeddings of {text(model.name)}: positions down, channels across" '
        f'src="data:image/png;base64,{base64.b64encode(matrix_picture(model)).decode("ascii")}"></figure>'
        for model in models
    )
    words = "Every row is a position. Noise from row to row is what training has not reached: roughness is its share."
    return f'<section><h2>Positional embeddings</h2><p>{words}</p><div class="pictures">{pictures}</div></section>'


def _hellaswag_points(run: ComparedRun) -> list[Point]:
    found = [each for each in run.evaluations if each["task"] == "hellaswag" and each.get("limit") is None]
    tokens = {row["update"]: row.get("tokens") for row in run.rows}
    pairs = [
        (each.get("tokens") or tokens.get(each.get("update")), each["metrics"].get("accuracy_norm")) for each in found
    ]
    return sorted((float(x), float(y)) for x, y in pairs if x is not None and y is not None)


def _against(
    field: str,
    runs: Sequence[ComparedRun],
    against: str,
    title: str,
    levels: Sequence[tuple[str, float]] = (),
    change: Callable[[list[Point]], list[Point]] = list,
) -> str:
    points = [run.points(field, against=against) for run in runs]
    largest = max((x for line in points for x, _ in line), default=0.0)
    if not largest:
        return ""
    wording = axis_wording("tokens" if against == "tokens" else "seconds", largest=largest)
    drawn = [
        Line(run.name, [(x / wording.unit, y) for x, y in change(line)], field == "validation_loss")
        for run, line in zip(runs, points, strict=True)
    ]
    return _figure(title, drawn, across_title=wording.title, levels=levels)


def _figure(title: str, lines: Sequence[Line], *, across_title: str, levels: Sequence[tuple[str, float]] = ()) -> str:
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


def _score_row(task: str, metric: str, where: str, value: Any, error: Any, definition: str) -> str:
    shown = f"{value:.4f}" if isinstance(value, int | float) else ""
    spread = f"{error:.2g}" if isinstance(error, int | float) else ""
    cells = (metric, where, shown, spread, definition)
    return f"<tr><th>{text(task)}</th>{''.join(f'<td>{text(cell)}</td>' for cell in cells)}</tr>"


def _table(heads: Sequence[str], rows: str) -> str:
    """A table that scrolls by itself where the window is narrow."""
    head = "".join(f"<th>{text(name)}</th>" for name in heads)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = str(value)
    return flat
