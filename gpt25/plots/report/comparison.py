"""The report's sections that lay runs beside one another and beside published figures."""

import base64
from collections.abc import Sequence

from gpt25.markup import text
from gpt25.plots.curves import Point, smooth
from gpt25.plots.formatting import duration, two_digits
from gpt25.plots.measures.published_lines import PublishedLine
from gpt25.plots.pictures.positions import PositionsOfModel, matrix_picture
from gpt25.plots.report.compared_run import ComparedRun
from gpt25.plots.report.figures import against, figure, figure_of, table
from gpt25.plots.report.lines_chart import Line
from gpt25.records.flat_settings import flat_settings

_LOSSES = " on held-out text: lower is better, and of several lines the lower one at the same place is ahead."
_COURSE = (
    "The learning rate follows the recipe's schedule. A gradient norm that settles is a calm run, spikes are not; a "
    "dip in the speed is other work on the machine."
)


def milestones(runs: Sequence[ComparedRun], lines: Sequence[PublishedLine]) -> str:
    """Which published lines each run has passed, and where, in words."""
    items = "".join(f"<li>{text(sentence)}.</li>" for run in runs for sentence in milestone_sentences(run, runs, lines))
    if not items:
        return ""
    definitions = sorted({f"{line.definition} ({line.source})" for line in lines})
    note = f'<p class="note">Lines: {text("; ".join(definitions))}. A crossing counts when no later measurement lies '
    note += "on the worse side; its place is on a straight line between two measurements. A validation split of one's "
    note += "own is another sample of the same set.</p>"
    whose = "OpenAI's models" if any(line.source != "measured here" for line in lines) else "another model"
    return f"<section><h2>Beside {whose}</h2><ul>{items}</ul>{note}</section>"


def milestone_sentences(run: ComparedRun, runs: Sequence[ComparedRun], lines: Sequence[PublishedLine]) -> list[str]:
    """A sentence for every line that the run can be measured by."""
    passed = {(each.measure, each.line): each for each in run.crossings}
    sentences = []
    for line in lines:
        last = run.last_of(line.measure)
        if last is None:
            continue
        lead = f"{run.name} " if len(runs) > 1 else "This run "
        found = passed.get((line.measure, line.label))
        side, what = ("below", "score") if line.higher_is_better else ("above", "validation loss")
        stays = f"stays {side} {line.label} ({line.value:g}): its last {what} is {last:.4f}"
        sentences.append(lead + (stays if found is None else found.in_words))
    return sentences


def validation_losses(runs: Sequence[ComparedRun], lines: Sequence[PublishedLine]) -> str:
    """Validation loss against tokens, wall-clock and money; of one run with neither lines nor a price, nothing new."""
    reference_lines = [(line.label, line.value) for line in lines if not line.higher_is_better]
    priced = [run for run in runs if run.price_per_hour]
    if not any(run.points("validation_loss") for run in runs) or not (len(runs) > 1 or reference_lines or priced):
        return ""
    figures = against("validation_loss", runs, "tokens", "Against tokens", reference_lines)
    figures += against("validation_loss", runs, "elapsed_seconds", "Against time", reference_lines)
    if priced:
        figures += figure(
            "Against money", by_money(runs), across_title=priced[0].currency, reference_lines=reference_lines
        )
        prices = "; ".join(f"{run.name}: {run.price_in_words}" for run in priced)
        prices += "".join(
            f"; {run.name}: {run.other_price or 'price not known'}" for run in runs if not run.price_per_hour
        )
        figures += f'<p class="note">{text(prices)}; only the time of training, without pauses.</p>'
    return f"<section><h2>Validation loss</h2><p>{runs[0].loss_unit.capitalize()}{_LOSSES}</p>{figures}</section>"


def by_money(runs: Sequence[ComparedRun]) -> list[Line]:
    """Every run at its own price; one without a price has an empty line, so that the others keep their colours."""
    return [
        Line(
            run.name,
            run.points("validation_loss", against="elapsed_seconds", unit=3600 / run.price_per_hour)
            if run.price_per_hour
            else [],
            True,
        )
        for run in runs
    ]


def course(runs: Sequence[ComparedRun]) -> str:
    """Learning rate, gradient norm, speed and utilisation against tokens."""
    figures = against("learning_rate", runs, "tokens", "Learning rate")
    figures += against("gradient_norm", runs, "tokens", "Gradient norm, smoothed", change=smooth)
    speeds = [smooth(run.points("tokens_per_second")) for run in runs]
    unit, word = _speed_unit(max((y for points in speeds for _, y in points), default=0.0))
    title = f"{word} per second, smoothed"
    figures += figure_of([_multiplied(run, points, 1 / unit) for run, points in zip(runs, speeds, strict=True)], title)
    factors = [run.utilisation_per_token for run in runs]
    if any(factors):
        utilisations = [
            _multiplied(run, points if factor else [], 100 * (factor or 0.0))
            for run, points, factor in zip(runs, speeds, factors, strict=True)
        ]
        figures += figure_of(utilisations, "Utilisation, % of the GPUs' peak in bfloat16")
        figures += f'<p class="note">{text(_utilisation_note(runs))}.</p>'
    return f"<section><h2>The course of training</h2><p>{_COURSE}</p>{figures}</section>" if figures else ""


def _speed_unit(largest: float) -> tuple[float, str]:
    """The unit of tokens that gives an axis short tick labels."""
    if largest >= 1e6:
        return 1e6, "Million tokens"
    return (1e3, "Thousand tokens") if largest >= 1e4 else (1.0, "Tokens")


def _multiplied(run: ComparedRun, points: Sequence[Point], factor: float) -> Line:
    return Line(run.name, [(x, factor * y) for x, y in points])


def _utilisation_note(runs: Sequence[ComparedRun]) -> str:
    """The peak FLOP/s that utilisation refers to, and how operations are counted."""
    counted = [run for run in runs if run.utilisation_per_token]
    peaks = sorted({run.peak_in_words for run in counted})
    costs = sorted({run.facts.summary.training_operations_per_token or 0 for run in counted})
    each = " or ".join(f"{cost / 1e9:.3g} GFLOP" for cost in costs)
    return f"{'; '.join(peaks)}; {each} a token: matrix products, and attention over the positions that each one sees"


def overview(runs: Sequence[ComparedRun], remarks: Sequence[str]) -> str:
    """Several runs in a table: what they reached, at what cost; below it what the figures do not tell."""
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
        cells_html = "".join(f"<td>{text(cell)}</td>" for cell in cells)
        rows += f'<tr><th><span class="swatch line-{number % 6}"></span>{text(run.name)}</th>{cells_html}</tr>'
    last = "last loss" if runs[0].loss_unit == "nats per token" else f"last, {runs[0].loss_unit}"
    columns = ("run", last, "lowest", "tokens", "time", "tokens/s", "")
    notes = "".join(f'<p class="note">{text(remark)}</p>' for remark in remarks)
    return f"<section>{table(columns, rows)}{notes}</section>"


def recipe_differences(runs: Sequence[ComparedRun]) -> str:
    """The settings in which several runs differ."""
    flat = [flat_settings(run.recipe) for run in runs]
    names = sorted({name for settings in flat for name in settings})
    rows = ""
    for name in names:
        values = [settings.get(name, "–") for settings in flat]
        if any(value != values[0] for value in values):
            rows += f"<tr><th>{text(name)}</th>{''.join(f'<td>{text(value)}</td>' for value in values)}</tr>"
    listed = table(("setting", *(run.name for run in runs)), rows) if rows else "<p>Their recipes are the same.</p>"
    return f"<section><h2>What differs between the runs</h2>{listed}</section>"


def positions(models: Sequence[PositionsOfModel]) -> str:
    """Positional embeddings as grey pictures, with their roughness."""
    if not models:
        return ""
    pictures = "".join(
        f"<figure><figcaption><b>{text(model.name)}</b>roughness {two_digits(model.overall_roughness)}</figcaption>"
        f'<img alt="positional embeddings of {text(model.name)}: positions down, channels across" '
        f'src="data:image/png;base64,{base64.b64encode(matrix_picture(model)).decode("ascii")}"></figure>'
        for model in models
    )
    explanation = (
        "Every row is a position. Noise from row to row is what training has not reached: roughness is its share."
    )
    return (
        f'<section><h2>Positional embeddings</h2><p>{explanation}</p><div class="pictures">{pictures}</div></section>'
    )
