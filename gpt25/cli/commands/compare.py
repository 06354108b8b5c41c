"""Lay one run or several beside one another and beside OpenAI's published figures: here, in an HTML file, in a picture.

OpenAI's losses are drawn for the set that the runs were trained on, never another's. Runs that read different tokens
are compared in bits per byte. With --follow the page is drawn
anew while a run trains, until it is finished or Ctrl-C is pressed.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from gpt25.cli.open_run import open_run
from gpt25.cli.output import Output
from gpt25.errors import PlotError
from gpt25.plots import (
    ComparedRun,
    DataSetName,
    PositionsOfModel,
    PublishedLine,
    ReportSettings,
    common_data_set,
    comparison_text,
    draw_comparison,
    lines_beside,
    loss_measure,
    names_of,
    require_picture_file,
    write_report,
)
from gpt25.records import RunDirectory, read_evaluations, require_currency_with_price
from gpt25.storage import resolved


@dataclass(frozen=True)
class Arguments:
    """The arguments of `gpt25 compare`."""

    runs: tyro.conf.Positional[tuple[str, ...]]
    """Run directories."""
    output: Path | None = None
    """The HTML file to write, with a .png beside it; without it report.html in the run, or compare.html here for
    several."""
    data_set: DataSetName | None = None
    """What the runs were trained on, where the index of their shards does not say: it chooses OpenAI's lines."""
    price_per_hour: float | None = None
    """What the machine costs, for losses against money; without it what each run's recipe says."""
    currency: str | None = None
    """Of that price: USD if nothing else is said."""
    positions: bool = False
    """Show the newest checkpoints' positional embeddings; a run's own report.html has them anyway."""
    beside: str | None = None
    """A MODEL whose positional embeddings are shown as well, such as gpt2."""
    evaluations: tuple[Path, ...] = ()
    """Files that `gpt25 evaluate MODEL --output FILE` wrote: scores of other models beside the runs'."""
    follow: bool = False
    """Draw anew while a run trains; the open page takes over what is new and stays where you are."""
    interval_seconds: float = 5.0
    """How often --follow looks for something new."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Arguments, output: Output) -> None:
    """Write page and picture, once or again and again, then say what was crossed."""
    runs = _runs(arguments)
    page = arguments.output or (runs[0].report_path if len(runs) == 1 else Path("compare.html"))
    if require_picture_file(page) != "html":
        raise PlotError(f"{page.name} is no page; name an .html file, the .png is written beside it.")
    picture = page.with_suffix(".png")
    require_picture_file(picture)
    if arguments.follow:
        live = dataclasses.replace(_settings(arguments, runs, output), reload_seconds=arguments.interval_seconds)
        output.say(f"{page} is drawn anew every {arguments.interval_seconds:g} s; Ctrl-C ends that.")
        _follow(runs, lambda: write_report(runs, page, settings=live), arguments.interval_seconds)
    settings = _settings(arguments, runs, output)
    compared = write_report(runs, page, settings=settings)
    data_set = common_data_set(runs, arguments.data_set)
    if any(each.points("validation_loss") for each in compared):  # else only followed until Ctrl-C
        draw_comparison(compared, lines_beside(runs, arguments.data_set), picture)
    measure = loss_measure(runs)
    _say(compared, [*lines_beside(runs, arguments.data_set), *settings.measured], measure.remarks, output)
    output.result(
        {
            "output": page,
            "picture": picture,
            "data_set": data_set,
            "loss_unit": measure.unit,
            "remarks": measure.remarks,
            "runs": [_as_json(each) for each in compared],
            "comparisons": settings.comparisons,
        },
        f"The report is {page}; open it in a browser.",
        kept=page,
    )


def _say(compared: list[ComparedRun], lines: list[PublishedLine], remarks: Sequence[str], output: Output) -> None:
    """The table, the graph and the sentences, in 80 columns."""
    found = comparison_text(compared, lines, remarks, columns=output.columns, braille=output.can_show("⠿"))
    output.table(found.title, found.columns, found.rows)
    for part in (found.graph, found.sentences):
        if part:
            output.say("\n" + "\n".join(part))
    output.say()


def _settings(arguments: Arguments, runs: list[RunDirectory], output: Output) -> ReportSettings:
    """What the report is told now: other models' scores, every two whose items were kept compared, and positions."""
    settings = ReportSettings(
        arguments.data_set, arguments.price_per_hour, arguments.currency, _positions(arguments, runs, output)
    )
    if not arguments.evaluations and not any(each.get("items") for run in runs for each in run.evaluations()):
        return settings
    from gpt25.recipes import score_comparisons

    others = [each for path in arguments.evaluations for each in read_evaluations(path)]
    found = score_comparisons(list(zip(names_of(runs), runs, strict=True)), others)
    return dataclasses.replace(settings, evaluations=others, comparisons=found)


def _runs(arguments: Arguments) -> list[RunDirectory]:
    """The runs; raises PlotError for none, for one named twice, and for one that has no validation loss."""
    if not arguments.runs:
        raise PlotError("there is no run to compare; name at least one run directory.")
    if arguments.price_per_hour is not None and not 0 < arguments.price_per_hour < float("inf"):
        raise PlotError(f"--price-per-hour is {arguments.price_per_hour:g}; it must be above 0.")
    require_currency_with_price(arguments.currency, arguments.price_per_hour)
    if not 0.1 <= arguments.interval_seconds <= 3600:
        raise PlotError(f"--interval-seconds is {arguments.interval_seconds:g}; it must be 0.1 to 3600.")
    runs = [open_run(path) for path in arguments.runs]
    if len({resolved(each.path) for each in runs}) < len(runs):
        raise PlotError("a run is named twice; name every run once.")
    for each in runs:
        if not arguments.follow and not any(row.get("validation_loss") is not None for row in each.metrics()):
            raise PlotError(
                f"{each.path} has no validation loss yet. Train until the first is measured "
                "(loop.validation_interval_in_updates), or wait for it with --follow."
            )
    return runs


def _follow(runs: list[RunDirectory], draw: Callable[[], Any], interval_seconds: float) -> None:
    """Draw whenever something was written, until every run is finished or Ctrl-C."""
    files = [path for each in runs for path in (each.metrics_path, each.samples_path, each.summary_path)]
    drawn: list[tuple[int, int]] | None = None
    try:
        while True:
            state = [_state(path) for path in files]
            if state != drawn:
                draw()
                drawn = state
            summaries = [each.read_summary() for each in runs]
            if all(summary is not None and summary.finished for summary in summaries):
                return
            time.sleep(interval_seconds)
    except KeyboardInterrupt:
        return


def _state(path: Path) -> tuple[int, int]:
    """What changes when a file is written."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_size, found.st_mtime_ns)


def _positions(arguments: Arguments, runs: list[RunDirectory], output: Output) -> list[PositionsOfModel]:
    """The requested positional embeddings; torch is loaded only then.

    A run's own report.html has them in any case, for training left it with them.
    """
    models = [str(each.path) for each in runs if arguments.positions and each.checkpoints()]
    models += [arguments.beside] if arguments.beside else []
    if not models:
        if len(runs) > 1 or arguments.output is not None or not runs[0].checkpoints():
            return []
        from gpt25.figures.positions_of_run import positions_of_run

        return positions_of_run(runs[0], note=output.note)
    from gpt25.figures.model_labels import model_labels
    from gpt25.figures.positions import positions_of_model

    return [positions_of_model(model, label) for model, label in zip(models, model_labels(models), strict=True)]


def _as_json(compared: ComparedRun) -> dict[str, Any]:
    losses = [row["validation_loss"] for row in compared.rows if row.get("validation_loss") is not None]
    return {
        "name": compared.name,
        "finished": compared.facts.summary.finished,
        "tokens": compared.facts.summary.tokens,
        "seconds": compared.facts.summary.training_seconds,
        "last_validation_loss": losses[-1] if losses else None,
        "lowest_validation_loss": min(losses, default=None),
        **_in_bits_per_byte(compared),
        "crossings": compared.crossings,
        "evaluations": len(compared.evaluations),
    }


def _in_bits_per_byte(compared: ComparedRun) -> dict[str, float | None]:
    """The same two figures in bits per byte, where that is what the runs are compared in."""
    if compared.loss_unit != "bits per byte":
        return {}
    figures = [figure for _, figure in compared.points("validation_loss")]
    return {
        "last_bits_per_byte": figures[-1] if figures else None,
        "lowest_bits_per_byte": min(figures, default=None),
    }
