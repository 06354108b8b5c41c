"""The metrics of metrics.jsonl as TensorBoard scalars."""

from pathlib import Path
from typing import Any

from gpt25.installation import missing_extra
from gpt25.recipes.hooks.scalars import scalars_of


class TensorBoardScalars:
    """Writes one event file into a directory; `tensorboard --logdir DIRECTORY` shows it, also while it grows.

    updates_done: how far the run is; what an earlier process wrote of later updates, TensorBoard then forgets.
    Raises MissingExtraError where the package is not installed.
    """

    def __init__(self, directory: Path, *, updates_done: int) -> None:
        try:
            import tensorboard  # noqa: F401 (torch needs it, and fails in many ways without it)
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as problem:
            raise missing_extra("track.tensorboard needs the package tensorboard", extra="track") from problem
        self._writer: Any = SummaryWriter(str(directory), purge_step=updates_done + 1)

    def write(self, row: dict[str, Any]) -> None:
        """Add a row of metrics.jsonl, at its update."""
        for name, value in scalars_of(row).items():
            self._writer.add_scalar(name, value, global_step=row["update"])

    def close(self) -> None:
        """Write what is still in memory."""
        self._writer.close()
