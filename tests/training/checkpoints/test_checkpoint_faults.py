"""Full disks, damaged checkpoints and what a killed save leaves behind."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt25.errors import CorruptFileError, StorageError, TrainingError
from gpt25.records import RunDirectory
from gpt25.storage import verify_manifest
from gpt25.training import Trainer, TrainingConfiguration, TrainingHooks
from gpt25.training.checkpoints import checkpoint as checkpoint_module
from gpt25.training.checkpoints import checkpoint_manager

Change = Callable[..., TrainingConfiguration]
MakeTrainer = Callable[..., Trainer]
Fill = Callable[..., None]


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Fill:
    """Let the disk be full for the saves whose numbers, counted from 1, are given."""
    real = checkpoint_module.write_safetensors

    def fill(*numbers: int) -> None:
        count = [0]

        def write(path: Path, *arguments: Any, **options: Any) -> None:
            count[0] += 1
            if count[0] in numbers:
                path.write_bytes(b"half of i")
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            real(path, *arguments, **options)

        monkeypatch.setattr(checkpoint_module, "write_safetensors", write)

    return fill


def saved(trainer: Trainer) -> list[int]:
    return [record.update for record in trainer.run.checkpoints()]


def test_a_full_disk_in_a_save_costs_that_checkpoint_only(
    trainer: MakeTrainer, full_disk: Fill, messages: list[str]
) -> None:
    full_disk(2)
    trained = trainer()
    assert trained.train().update == 8
    assert saved(trained) == [3, 8]
    (message,) = messages
    path = trained.run.checkpoint_path(6)
    assert message == (
        f"no checkpoint after update 6 (1 in a row failed, 3 may): cannot write {path}: No space left on device. "
        "Free some space; nothing that was there before has been changed."
    )
    assert sorted(entry.name for entry in trained.run.checkpoints_path.iterdir()) == ["update-000003", "update-000008"]


def test_failures_in_a_row_stop_the_run_and_older_checkpoints_stay(
    trainer: MakeTrainer, changed: Change, full_disk: Fill, messages: list[str]
) -> None:
    full_disk(2, 3, 4)
    trained = trainer(changed(loop={"checkpoint_interval_in_updates": 1, "failed_saves_allowed": 2}))
    with pytest.raises(TrainingError) as caught:
        trained.train()
    assert str(caught.value).startswith(
        "the run stops after update 4, because its checkpoint could not be saved (3 in a row): cannot write "
    )
    assert len(messages) == 2
    assert saved(trained) == [1]
    assert trained.run.newest_intact_checkpoint()[0].update == 1


def test_a_save_that_succeeds_forgives_those_before_it(
    trainer: MakeTrainer, changed: Change, full_disk: Fill, messages: list[str]
) -> None:
    full_disk(1, 2, 4, 5)
    trained = trainer(changed(loop={"checkpoint_interval_in_updates": 1, "failed_saves_allowed": 2}))
    trained.train()
    assert len(messages) == 4


def test_the_last_save_must_succeed(trainer: MakeTrainer, full_disk: Fill) -> None:
    full_disk(3)
    trained = trainer()
    with pytest.raises(TrainingError, match=r"stops after update 8, because its checkpoint could not be saved \(1 in"):
        trained.train()
    assert saved(trained) == [3, 6]
    full_disk()
    assert trainer().train().update == 8


def test_a_last_save_that_failed_at_its_interval_is_tried_again(
    trainer: MakeTrainer, changed: Change, full_disk: Fill
) -> None:
    full_disk(2)
    trained = trainer(changed(loop={"checkpoint_interval_in_updates": 4}))
    trained.train()
    assert saved(trained) == [4, 8]


def test_a_record_that_cannot_be_written_costs_a_row(
    trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch, messages: list[str]
) -> None:
    append = RunDirectory.append_metrics

    def write(run: RunDirectory, row: dict[str, Any]) -> None:
        if row["update"] in (2, 8):
            raise StorageError("cannot append: No space left on device")
        append(run, row)

    monkeypatch.setattr(RunDirectory, "append_metrics", write)
    trained = trainer()
    assert trained.train().update == 8
    assert [row["update"] for row in trained.run.metrics()] == [1, 3, 4, 5, 6, 7]
    assert messages[0] == "update 2 is missing in the record: cannot append: No space left on device"


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("damage", "file"),
    [
        (flip_a_bit, "model.safetensors"),
        (truncate, "model.safetensors"),
        (Path.unlink, "model.safetensors"),
        (flip_a_bit, "optimizer.safetensors"),
        (truncate, "state.json"),
        (flip_a_bit, "MANIFEST.json"),
    ],
)
def test_resume_falls_back_from_a_damaged_checkpoint_and_names_the_file(
    damage: Callable[[Path], Any], file: str, trainer: MakeTrainer, changed: Change, messages: list[str]
) -> None:
    settings = changed(loop={"number_of_updates": 2, "checkpoint_interval_in_updates": 1})
    first = trainer(settings)
    first.train()
    damaged = first.run.checkpoint_path(2) / file
    damage(damaged)
    with pytest.raises(CorruptFileError, match=file):  # an explicit choice is never replaced by another
        first.run.find_checkpoint(2)
    again = trainer(settings)
    assert again.train().update == 2
    assert messages[0].startswith(f"passed over a damaged checkpoint: {damaged} ")
    assert messages[1] == "update-000002 is now called damaged-update-000002"
    assert again.run.newest_intact_checkpoint()[0].update == 2
    assert [row["update"] for row in again.run.metrics()] == [1, 2]


def test_a_damaged_checkpoint_never_crowds_out_a_good_one(trainer: MakeTrainer, changed: Change) -> None:
    settings = changed(loop={"checkpoint_interval_in_updates": 2})
    first = trainer(settings)
    first.train()
    assert saved(first) == [6, 8]
    truncate(first.run.checkpoint_path(8) / "model.safetensors")
    seen: list[tuple[int, list[str]]] = []

    def look(path: Path) -> None:
        record, problems = first.run.newest_intact_checkpoint()
        seen.append((record.update if record else 0, problems))

    settings = changed(settings, loop={"checkpoints_to_keep": 1, "checkpoint_interval_in_updates": 7})
    trainer(settings, hooks=TrainingHooks(on_checkpoint=look)).train()
    assert seen == [(7, []), (8, [])]


def test_no_intact_checkpoint_at_all_is_an_error_rather_than_a_new_beginning(trainer: MakeTrainer) -> None:
    first = trainer()
    first.train()
    for record in first.run.checkpoints():
        truncate(record.path / "model.safetensors")
    with pytest.raises(CorruptFileError) as caught:
        trainer().train()
    assert str(caught.value).startswith(f"no checkpoint in {first.run.checkpoints_path} is intact: ")
    assert str(caught.value).endswith("Put an intact copy back, or choose another --run directory to begin anew.")
    assert "update-000006" in str(caught.value)
    assert len(first.run.metrics()) == 8  # nothing was cut


def test_what_a_killed_save_left_is_removed_and_said(trainer: MakeTrainer, messages: list[str]) -> None:
    leftover = trainer().run.checkpoints_path / ".update-000009.gpt25-temporary-1-abcdef00"
    leftover.mkdir(parents=True)
    (leftover / "model.safetensors").write_bytes(b"half of i")
    trainer().train()
    assert messages == [f"removed {leftover}, left over from a save or a removal that did not end"]
    assert not leftover.exists()


def test_a_run_killed_while_an_old_checkpoint_is_removed_keeps_the_others_and_sweeps_it(
    trainer: MakeTrainer, changed: Change, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = changed(loop={"checkpoint_interval_in_updates": 2, "checkpoints_to_keep": 1})

    def killed(path: Path, **_: object) -> None:
        if (path / "MANIFEST.json").is_file():
            (path / "model.safetensors").unlink()
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        first = trainer(chosen)
        with pytest.raises(KeyboardInterrupt):
            first.train()
    run = first.run
    halves = [path for path in run.checkpoints_path.iterdir() if path.name.startswith(".")]
    assert halves
    for record in run.checkpoints():
        verify_manifest(record.path)
    resumed = trainer(chosen)
    resumed.train()
    for half in halves:
        assert f"removed {half}, left over from a save or a removal that did not end" in messages
    assert [path.name for path in run.checkpoints_path.iterdir() if path.name.startswith(".")] == []
    run.find_checkpoint("best")


def test_a_damaged_checkpoint_that_cannot_be_renamed_is_an_error(
    trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trainer()
    first.train()
    truncate(first.run.checkpoint_path(8) / "model.safetensors")

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(checkpoint_manager.os, "rename", refuse)
    with pytest.raises(StorageError, match=r"cannot rename the damaged .*update-000008: Operation not permitted"):
        trainer().train()


def test_pruning_survives_a_checkpoint_that_was_damaged_meanwhile(trainer: MakeTrainer, changed: Change) -> None:
    keep = {"checkpoints_to_keep": 1, "keep_plateau_checkpoint": False}
    trained = trainer(changed(loop={"checkpoint_interval_in_updates": 2, **keep}))
    for record in [trained.run.checkpoint_path(number) for number in (90, 91)]:
        record.mkdir(parents=True)
        (record / "MANIFEST.json").write_text("{}")
        (record / "state.json").write_text("no JSON")
    checkpoint_module.prune_checkpoints(trained.run, keep=1)
    assert saved(trained) == [91]
    shutil.rmtree(trained.run.checkpoint_path(91))
    trained.train()
    assert saved(trained) == [8]
