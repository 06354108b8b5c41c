"""The trackers that a recipe asks for."""

from collections.abc import Callable
from importlib.util import find_spec

from gpt25.installation import missing_extra
from gpt25.recipes.hooks.background_tracker import BackgroundTracker, Tracker
from gpt25.recipes.hooks.mlflow_run import MlflowRun
from gpt25.recipes.hooks.tensorboard_scalars import TensorBoardScalars
from gpt25.recipes.hooks.wandb_run import WandbRun
from gpt25.records import RunDirectory
from gpt25.training import TrackConfiguration

_EXTRAS = {"tensorboard": "track", "wandb": "wandb", "mlflow": "mlflow"}
"""The extra that brings the package of each field of `TrackConfiguration`."""


def open_trackers(
    track: TrackConfiguration, run: RunDirectory, *, updates_done: int, note: Callable[[str], None]
) -> list[BackgroundTracker]:
    """One for each that is asked for; raises MissingExtraError, before anything is trained, where a package is missing.

    What fails later is told by `note`, and costs the run nothing.
    """
    begin: dict[str, Callable[[], Tracker]] = {
        "tensorboard": lambda: TensorBoardScalars(run.tensorboard_path, updates_done=updates_done),
        "wandb": lambda: WandbRun(run),
        "mlflow": lambda: MlflowRun(run),
    }
    asked = [name for name in begin if getattr(track, name)]
    for name in asked:
        if not _is_there(name):
            raise missing_extra(f"track.{name} needs the package {name}", extra=_EXTRAS[name])
    return [BackgroundTracker(name, begin[name], note) for name in asked]


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # somebody put None where the package's module would be
        return False
