"""Pictures of a run: its losses as a PNG, or everything about it as one HTML page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gpt25.cli.output import Output
from gpt25.errors import PlotError
from gpt25.plots import HorizontalAxis, draw_losses, write_report
from gpt25.records import RunDirectory


@dataclass(frozen=True)
class Loss:
    """Draw training and validation loss of one or several runs into a PNG file, the learning rate below."""

    runs: tyro.conf.Positional[tuple[str, ...]]
    """Run directories; several are drawn over one another."""
    output: Path
    """The PNG file to write."""
    x: HorizontalAxis = "tokens"
    """What the horizontal axis counts."""
    logarithmic: bool = False
    """Make the horizontal axis logarithmic."""
    json: bool = False
    """Print one JSON object on standard output."""


@dataclass(frozen=True)
class Report:
    """Write the report of a run, finished or not, as one HTML file that opens without a network."""

    run: tyro.conf.Positional[str]
    """The run directory."""
    output: Path | None = None
    """The HTML file to write; without it report.html in the run directory."""
    json: bool = False
    """Print one JSON object on standard output."""


Arguments = Annotated[Loss, tyro.conf.subcommand(name="loss")] | Annotated[Report, tyro.conf.subcommand(name="report")]
"""What `gpt25 plot` can draw; a new picture is a new dataclass here and a branch in `run`."""


def run(arguments: Loss | Report, output: Output) -> None:
    """Draw what was asked for and say where it is."""
    if isinstance(arguments, Loss):
        _loss(arguments, output)
    else:
        _report(arguments, output)


def _loss(arguments: Loss, output: Output) -> None:
    runs = [_existing_run(run) for run in arguments.runs]
    draw_losses(runs, arguments.output, x=arguments.x, x_scale="logarithmic" if arguments.logarithmic else "linear")
    output.result(
        {"output": arguments.output, "runs": [str(run.path) for run in runs], "x": arguments.x},
        f"The losses are drawn in {arguments.output}.",
    )


def _report(arguments: Report, output: Output) -> None:
    run = _existing_run(arguments.run)
    path = run.report_path if arguments.output is None else arguments.output
    write_report(run, path)
    output.result({"output": path, "run": str(run.path)}, f"The report is {path}; open it in a browser.")


def _existing_run(path: str) -> RunDirectory:
    """The run at `path`; raises PlotError where there is none."""
    run = RunDirectory(path)
    if not (RunDirectory.is_run(path) or run.metrics_path.is_file()):
        raise PlotError(f"{path} is not a run directory: it holds neither run.toml nor metrics.jsonl")
    return run
