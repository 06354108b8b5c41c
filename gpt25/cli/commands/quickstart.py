"""Train a small GPT-2 from scratch on Python's own library: offline, in minutes, with samples and a loss graph.

Interrupted, the same command goes on where it stopped. Done, it shows the result again.
"""

import dataclasses
from pathlib import Path

from gpt25.cli.output import Output


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What to train, and for how long."""

    run: Path = Path("runs/quickstart")
    """Directory of the run: data, checkpoints, loss.png and report.html."""
    minutes: float = 3.0
    """How long to train on this machine; a run that resumes keeps its length."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Arguments, output: Output) -> None:
    """Do the job and print the figures."""
    from gpt25.recipes import quickstart

    summary = quickstart(arguments.run, minutes=arguments.minutes, reporter=output)
    output.result({"run": arguments.run, **summary.as_json()}, kept=arguments.run)
