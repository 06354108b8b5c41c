"""What TensorBoard itself reads of a run's events."""

import math
import sys
from pathlib import Path
from typing import Any

import pytest

from gpt25.errors import MissingExtraError
from gpt25.installation import install_command
from gpt25.recipes.hooks.tensorboard_scalars import TensorBoardScalars

HELLASWAG = {"hellaswag_accuracy": 0.25, "hellaswag_accuracy_norm": 0.5}
BOTH_WEIGHTS = {"validation_loss_of_last_weights": 4.75, "validation_loss_of_average": 4.5}


def row(update: int, **more: float) -> dict[str, Any]:
    return {"update": update, "tokens": 100 * update, "training_loss": 5.0 - update, "elapsed_seconds": 1.0, **more}


def read(directory: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(directory))
    events.Reload()
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def write(directory: Path, rows: list[dict[str, Any]], *, updates_done: int = 0) -> None:
    scalars = TensorBoardScalars(directory, updates_done=updates_done)
    for each in rows:
        scalars.write(each)
    scalars.close()


def test_every_figure_stands_at_its_update(tmp_path: Path) -> None:
    figures = {"learning_rate": 0.5, "gradient_norm": 2.0, "tokens_per_second": 100.0}
    write(tmp_path, [row(1, **figures), row(2, **figures, validation_loss=4.5, **HELLASWAG, **BOTH_WEIGHTS)])
    assert read(tmp_path) == {
        "loss/training": [(1, 4.0), (2, 3.0)],
        "loss/validation": [(2, 4.5)],
        "loss/validation of the last weights": [(2, 4.75)],
        "loss/validation of the average": [(2, 4.5)],
        "hellaswag/acc": [(2, 0.25)],
        "hellaswag/acc_norm": [(2, 0.5)],
        "learning rate": [(1, 0.5), (2, 0.5)],
        "gradient norm": [(1, 2.0), (2, 2.0)],
        "tokens per second": [(1, 100.0), (2, 100.0)],
    }


def test_a_resumed_run_shows_no_update_twice(tmp_path: Path) -> None:
    write(tmp_path, [row(update) for update in (1, 2, 3)])
    write(tmp_path, [row(update) for update in (3, 4)], updates_done=2)
    assert [step for step, _ in read(tmp_path)["loss/training"]] == [1, 2, 3, 4]


def test_a_loss_that_is_not_finite_is_shown_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, [{"update": 1, "training_loss": math.nan}])
    ((step, loss),) = read(tmp_path)["loss/training"]
    assert step == 1
    assert math.isnan(loss)


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("torch.utils.tensorboard", "tensorboard"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MissingExtraError) as caught:
        TensorBoardScalars(tmp_path, updates_done=0)
    assert str(caught.value) == (
        f"track.tensorboard needs the package tensorboard; install it with: {install_command('track')}"
    )
