"""The pictures that a run leaves behind, with all that the run itself can tell: loss.png and report.html."""

from collections.abc import Callable
from pathlib import Path

from gpt25.errors import GPT25Error
from gpt25.figures.positions_of_run import positions_of_run
from gpt25.model import Accounting
from gpt25.plots import ReportSettings, draw_losses, loss_reference_lines, write_report
from gpt25.recipes.reporter import Reporter
from gpt25.records import RunDirectory, Summary, offered_command
from gpt25.storage import resolved
from gpt25.training import TrainingState


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


def _name(run: RunDirectory) -> str:
    return resolved(run.path).name
