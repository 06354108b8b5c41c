"""The pictures that a run leaves behind, with all that the run itself can tell: loss.png and report.html."""

from collections.abc import Callable
from pathlib import Path

from gpt25.errors import GPT25Error
from gpt25.model import Accounting
from gpt25.plots import PositionsOfModel, ReportSettings, draw_losses, loss_reference_lines, write_report
from gpt25.recipes.positions_of_model import positions_of_model
from gpt25.recipes.reporter import Reporter
from gpt25.records import RunDirectory, Summary, offered_command
from gpt25.references.scores import nearest_model
from gpt25.storage import resolved
from gpt25.training import TrainingState
from gpt25.weights import cached_model


def begin_summary(run: RunDirectory, accounting: Accounting) -> None:
    """Write summary.json with what is known of a run before it ends, unless it is there already."""
    if run.read_summary() is None:
        run.write_summary(
            Summary(
                title=_name(run),
                model_parameters=accounting.parameters,
                training_operations_per_token=accounting.training_operations_per_token,
            )
        )


def end_summary(run: RunDirectory, state: TrainingState, accounting: Accounting) -> None:
    """Write summary.json with the results of a run's last update."""
    run.write_summary(
        Summary(
            title=_name(run),
            finished=True,
            model_parameters=accounting.parameters,
            training_operations_per_token=accounting.training_operations_per_token,
            tokens=state.tokens,
            training_seconds=state.elapsed_seconds,
            validation_loss=state.metrics.get("validation_loss"),
            next_commands=[
                offered_command("gpt25", "generate", run.path, "--prompt", "The"),
                offered_command("gpt25", "evaluate", run.path, "--task", "hellaswag", "--against", "gpt2"),
                offered_command("gpt25", "compare", run.path, "--positions", "--beside", "gpt2"),
            ],
        )
    )


def draw_run(run: RunDirectory, reporter: Reporter) -> None:
    """Redraw loss.png and report.html, where there is anything to draw; never an error.

    OpenAI's losses are drawn for the set that the run's shards or its recipe name, money at track.price_per_hour, and
    the newest checkpoint's positional embeddings, beside OpenAI's where the Hub's cache has them.
    """
    try:
        if run.metrics():
            draw_losses([run], run.loss_picture_path, reference_lines=loss_reference_lines([run]))
            write_run_report(run, run.report_path, note=reporter.note)
    except GPT25Error as problem:  # must not hide how training itself ended
        reporter.note(f"the pictures of {run.path} could not be drawn: {problem}")


def write_run_report(run: RunDirectory, output: str | Path, *, note: Callable[[str], None]) -> None:
    """The report of one run, as training ends with it."""
    write_report(run, output, settings=ReportSettings(positions=positions_of_run(run, note=note)))


def positions_of_run(run: RunDirectory, *, note: Callable[[str], None]) -> list[PositionsOfModel]:
    """The run's positional embeddings, and OpenAI's where they are at hand; a remark where they cannot be read."""
    try:
        return _positions(run)
    except GPT25Error as problem:
        note(f"the report of {run.path} lacks the positional embeddings: {problem}")
        return []


def _positions(run: RunDirectory) -> list[PositionsOfModel]:
    """The newest checkpoint's, and those of the nearest of OpenAI's models that need no network and are as many."""
    checkpoints = run.checkpoints()
    if not checkpoints:
        return []
    own = positions_of_model(checkpoints[-1].path, f"{_name(run)}, update {checkpoints[-1].update:,}")
    summary = run.read_summary()
    published = nearest_model((summary.model_parameters if summary else None) or 1)
    cached = cached_model(f"openai-community/{published}")
    theirs = [] if cached is None else [positions_of_model(cached, f"OpenAI's {published}")]
    return [own, *(each for each in theirs if len(each.embeddings) == len(own.embeddings))]


def _name(run: RunDirectory) -> str:
    return resolved(run.path).name
