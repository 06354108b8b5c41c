"""A run's metrics in Weights & Biases, where its own settings say: its servers, or a folder (WANDB_MODE=offline)."""

import os
import uuid
from typing import Any

from gpt25.recipes.hooks.scalars import scalars_of
from gpt25.recipes.hooks.tracked_runs import PROJECT, TrackedRuns
from gpt25.records import RunDirectory


class WandbRun:
    """One run there; whoever resumes the run directory goes on with it, by the id in trackers.json.

    Its files lie in the run's folder wandb. `update` is the horizontal axis of everything, so that updates that a
    resume takes again are drawn over those of before.
    """

    def __init__(self, run: RunDirectory) -> None:
        import wandb

        known = TrackedRuns(run)
        identity = known.identity_of("wandb") or uuid.uuid4().hex
        known.keep("wandb", identity)
        # Its console and its questions would stand between our own lines.
        quiet = wandb.Settings(console="off", silent=True, disable_code=True)
        self._run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            name=run.path.resolve().name,
            id=identity,
            resume="allow",
            dir=str(run.path),  # where it makes its own folder wandb
            config=run.recipe(),
            settings=quiet,
        )
        self._run.define_metric("*", step_metric="update")

    def write(self, row: dict[str, Any]) -> None:
        """Add a row of metrics.jsonl."""
        self._run.log({**scalars_of(row), "update": row["update"], "tokens": row["tokens"]})

    def close(self) -> None:
        """Send, or write, what is still in memory."""
        self._run.finish()
