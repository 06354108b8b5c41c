"""Pictures: the losses of runs, the report of one, and what is inside a model."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated

import tyro

from gpt25.cli.open_run import open_run
from gpt25.cli.output import Output
from gpt25.cli.pictures import (
    ablation,
    attention,
    attribution,
    differences,
    head_scores,
    inside,
    neurons,
    patching,
    positions,
    predictions,
    residual,
)
from gpt25.plots import HorizontalAxis, draw_losses, require_picture_file
from gpt25.storage import require_output_file
from gpt25.storage.paths.storage_error import shown


@dataclass(frozen=True)
class Loss:
    """Draw training and validation loss of one or several runs into a picture, the learning rate below."""

    runs: tyro.conf.Positional[tuple[str, ...]]
    """Run directories; several are drawn over one another."""
    output: Path
    """The file to write: .png or .svg."""
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


Arguments = (
    Annotated[Loss, tyro.conf.subcommand(name="loss")]
    | Annotated[Report, tyro.conf.subcommand(name="report")]
    | Annotated[positions.Positions, tyro.conf.subcommand(name="positions")]
    | Annotated[attention.Attention, tyro.conf.subcommand(name="attention")]
    | Annotated[predictions.Predictions, tyro.conf.subcommand(name="predictions")]
    | Annotated[differences.Differences, tyro.conf.subcommand(name="differences")]
    | Annotated[inside.Inside, tyro.conf.subcommand(name="inside")]
    | Annotated[head_scores.HeadScores, tyro.conf.subcommand(name="head-scores")]
    | Annotated[patching.Patching, tyro.conf.subcommand(name="patching")]
    | Annotated[attribution.Attribution, tyro.conf.subcommand(name="attribution")]
    | Annotated[ablation.Ablation, tyro.conf.subcommand(name="ablation")]
    | Annotated[neurons.Neurons, tyro.conf.subcommand(name="neurons")]
    | Annotated[residual.Residual, tyro.conf.subcommand(name="residual")]
)
"""What `gpt25 plot` can draw; a new picture is a new dataclass here and a row of `_OF_MODELS`."""

Picture = (
    Loss
    | Report
    | positions.Positions
    | attention.Attention
    | predictions.Predictions
    | differences.Differences
    | inside.Inside
    | head_scores.HeadScores
    | patching.Patching
    | attribution.Attribution
    | ablation.Ablation
    | neurons.Neurons
    | residual.Residual
)


_OF_MODELS: dict[type, ModuleType] = {
    positions.Positions: positions,
    attention.Attention: attention,
    predictions.Predictions: predictions,
    differences.Differences: differences,
    inside.Inside: inside,
    head_scores.HeadScores: head_scores,
    patching.Patching: patching,
    attribution.Attribution: attribution,
    ablation.Ablation: ablation,
    neurons.Neurons: neurons,
    residual.Residual: residual,
}


def run(arguments: Picture, output: Output) -> None:
    """Draw what was asked for and say where it is."""
    match arguments:
        case Loss():
            _loss(arguments, output)
        case Report():
            _report(arguments, output)
        case _:
            _OF_MODELS[type(arguments)].run(arguments, output)


def _loss(arguments: Loss, output: Output) -> None:
    require_picture_file(arguments.output)
    runs = [open_run(run) for run in arguments.runs]
    draw_losses(runs, arguments.output, x=arguments.x, x_scale="logarithmic" if arguments.logarithmic else "linear")
    output.result(
        {"output": arguments.output, "runs": [str(run.path) for run in runs], "x": arguments.x},
        f"The losses are drawn in {shown(arguments.output)}.",
        kept=arguments.output,
    )


def _report(arguments: Report, output: Output) -> None:
    run = open_run(arguments.run)
    path = run.report_path if arguments.output is None else arguments.output
    require_output_file(path, overwrite=True, special="written into")
    from gpt25.recipes import write_run_report

    write_run_report(run, path, note=output.note)
    output.result({"output": path, "run": str(run.path)}, f"The report is {path}; open it in a browser.", kept=path)
