"""A run directory: which checkpoints can be trusted, and a paper trail in which no update stands twice."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from gpt25.errors import ConfigurationError, CorruptFileError, StorageError
from gpt25.records import CheckpointRecord, RunDirectory
from gpt25.storage import MANIFEST_NAME, atomic_directory, remove_leftovers, write_json, write_manifest


def save_checkpoint(run: RunDirectory, update: int, **metrics: Any) -> Path:
    with atomic_directory(run.checkpoint_path(update)) as directory:
        (directory / "model.safetensors").write_bytes(f"weights after {update}".encode())
        write_json(directory / "state.json", {"update": update, "metrics": metrics})
        write_manifest(directory)
    return run.checkpoint_path(update)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = RunDirectory(tmp_path / "run")
    for update, loss in ((100, 4.0), (200, 3.0), (300, 3.5)):
        save_checkpoint(run, update, validation_loss=loss)
    return run


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_the_files_have_their_promised_names(tmp_path: Path) -> None:
    run = RunDirectory(str(tmp_path))
    assert run.path == tmp_path
    names = {
        run.recipe_path: "run.toml",
        run.environment_path: "environment.json",
        run.metrics_path: "metrics.jsonl",
        run.samples_path: "samples.jsonl",
        run.summary_path: "summary.json",
        run.loss_picture_path: "loss.png",
        run.report_path: "report.html",
        run.checkpoints_path: "checkpoints",
        run.checkpoint_path(500): "checkpoints/update-000500",
        run.checkpoint_path(12_345_678): "checkpoints/update-12345678",
    }
    assert {path.relative_to(tmp_path).as_posix() for path in names} == set(names.values())
    assert all(path == tmp_path / name for path, name in names.items())
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_known_by_its_recipe_or_a_complete_checkpoint(tmp_path: Path, run: RunDirectory) -> None:
    assert RunDirectory.is_run(run.path)
    (tmp_path / "other").mkdir()
    assert not RunDirectory.is_run(tmp_path / "other")
    assert not RunDirectory.is_run(tmp_path / "absent")
    (tmp_path / "other" / "run.toml").touch()
    assert RunDirectory.is_run(tmp_path / "other")


def test_only_complete_checkpoints_count_in_the_order_of_updates(run: RunDirectory) -> None:
    for number, update in enumerate((300, 100, 200)):  # the clock jumped back and forth
        os.utime(run.checkpoint_path(update), (number, number))
    save_checkpoint(run, 1_000_000)
    run.checkpoint_path(400).mkdir()  # never completed
    (run.checkpoints_path / ".update-000500.gpt25-temporary-1-00000000").mkdir()
    (run.checkpoints_path / "update-0000100").mkdir()  # a second name for 100
    (run.checkpoints_path / "update-0000100" / MANIFEST_NAME).touch()
    (run.checkpoints_path / "notes.txt").touch()
    (run.checkpoints_path / "update-000600").touch()
    assert run.checkpoints() == [
        CheckpointRecord(update, run.checkpoint_path(update)) for update in (100, 200, 300, 1_000_000)
    ]


def test_checkpoints_are_found_by_word_and_by_update(run: RunDirectory) -> None:
    assert run.find_checkpoint("newest") == run.checkpoint_path(300)
    assert run.find_checkpoint("best") == run.checkpoint_path(200)
    assert run.find_checkpoint(100) == run.find_checkpoint("100") == run.checkpoint_path(100)


def test_best_passes_over_losses_that_are_no_numbers_and_takes_the_later_of_equals(run: RunDirectory) -> None:
    save_checkpoint(run, 400, validation_loss=3.0)
    save_checkpoint(run, 500, validation_loss=None)
    save_checkpoint(run, 600, validation_loss=None)
    save_checkpoint(run, 700, training_loss=1.0)
    assert run.find_checkpoint("best") == run.checkpoint_path(400)
    assert [record.validation_loss for record in run.checkpoints()[-3:]] == [None, None, None]


def test_best_without_any_validation_loss_says_what_to_choose(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    for update in range(1, 12):
        save_checkpoint(run, update)
    with pytest.raises(
        StorageError,
        match=r'no checkpoint of .* has a validation loss, so none is "best"\. '
        r'Choose "newest" or an update: 1, 2, 3, 4 … 9, 10, 11\.',
    ):
        run.find_checkpoint("best")


@pytest.mark.parametrize("which", ["latest", "", "-1", "1.5", "²", -1, True])
def test_a_word_that_names_no_checkpoint_is_refused(run: RunDirectory, which: Any) -> None:
    with pytest.raises(ConfigurationError, match=r'a checkpoint is "newest", "best" or the number of an update, not'):
        run.find_checkpoint(which)


def test_an_update_without_checkpoint_is_refused_with_those_there_are(run: RunDirectory) -> None:
    with pytest.raises(StorageError, match=r"run has no checkpoint of update 250; there are 100, 200, 300\."):
        run.find_checkpoint(250)


@pytest.mark.parametrize("which", ["newest", "best", 100])
def test_a_run_without_checkpoints_says_so(tmp_path: Path, which: Any) -> None:
    with pytest.raises(StorageError, match=r"has no complete checkpoint\. Train until the first one is saved\."):
        RunDirectory(tmp_path).find_checkpoint(which)


def test_an_explicit_choice_that_is_damaged_is_never_replaced(run: RunDirectory) -> None:
    for update, choices in ((300, ("newest", 300)), (200, ("best", 200))):
        flip_a_bit(run.checkpoint_path(update) / "model.safetensors")
        for which in choices:
            with pytest.raises(CorruptFileError, match=rf"update-000{update}/model\.safetensors has SHA-256"):
                run.find_checkpoint(which)
    assert run.find_checkpoint(100) == run.checkpoint_path(100)


def test_automatic_resume_falls_back_to_the_last_good_one_and_says_why(run: RunDirectory) -> None:
    save_checkpoint(run, 400)
    run.checkpoint_path(500).mkdir()
    flip_a_bit(run.checkpoint_path(400) / "model.safetensors")
    (run.checkpoint_path(300) / "state.json").write_bytes(b"{}")
    record, passed_over = run.newest_intact_checkpoint()
    assert record == CheckpointRecord(200, run.checkpoint_path(200))
    assert [sentence.removeprefix(str(run.checkpoints_path))[:46] for sentence in passed_over] == [
        "/update-000500 has no MANIFEST.json: it was ne",
        "/update-000400/model.safetensors has SHA-256 " + passed_over[1].split("SHA-256 ")[1][0],
        "/update-000300/state.json has 2 bytes, MANIFES",
    ]


def test_automatic_resume_without_any_good_checkpoint_starts_afresh(run: RunDirectory, tmp_path: Path) -> None:
    for update in (100, 200, 300):
        (run.checkpoint_path(update) / "model.safetensors").unlink()
    record, passed_over = run.newest_intact_checkpoint()
    assert record is None
    assert len(passed_over) == 3
    assert all("model.safetensors is missing" in sentence for sentence in passed_over)
    assert RunDirectory(tmp_path / "absent").newest_intact_checkpoint() == (None, [])


def test_a_write_that_was_killed_leaves_the_previous_checkpoint(run: RunDirectory) -> None:
    leftover = run.checkpoints_path / ".update-000400.gpt25-temporary-1-00000000"
    leftover.mkdir()
    (leftover / "model.safetensors").write_bytes(b"half")
    assert run.newest_intact_checkpoint() == (run.checkpoints()[-1], [])
    assert run.checkpoints()[-1].update == 300
    assert remove_leftovers(run.checkpoints_path) == [leftover]


def test_a_state_that_is_no_object_is_corrupt(run: RunDirectory) -> None:
    (run.checkpoint_path(300) / "state.json").write_text("[]")
    with pytest.raises(CorruptFileError, match=r"state\.json holds a list, not an object"):
        run.checkpoints()[-1].state()
    with pytest.raises(CorruptFileError, match=r"state\.json holds a list"):
        run.find_checkpoint("best")


def test_a_checkpoints_folder_that_cannot_be_listed_is_an_error(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(StorageError, match=r"cannot list .*checkpoints: Permission denied"):
        run.checkpoints()


def test_rows_come_back_as_written_and_numbers_that_json_lacks_become_null(run: RunDirectory) -> None:
    assert run.metrics() == run.samples() == []
    run.append_metrics({"update": 1, "training_loss": 10.5})
    run.append_metrics({"update": 2, "training_loss": float("nan"), "gradient_norm": float("inf")})
    run.append_sample({"update": 2, "tokens": 64, "prompt": "a", "text": "b\n🦜"})
    assert run.metrics() == [
        {"update": 1, "training_loss": 10.5},
        {"update": 2, "training_loss": None, "gradient_norm": None},
    ]
    assert run.samples() == [{"update": 2, "tokens": 64, "prompt": "a", "text": "b\n🦜"}]

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    for line in run.metrics_path.read_text().splitlines():
        json.loads(line, parse_constant=refuse)


def test_after_a_cut_no_update_stands_twice(run: RunDirectory) -> None:
    for update in range(1, 8):
        run.append_metrics({"update": update})
        run.append_sample({"update": update})
    with open(run.metrics_path, "ab") as file:
        file.write(b'{"update": 8, "trai')
    run.truncate_after(5)
    for update in (6, 7):
        run.append_metrics({"update": update})
    assert [row["update"] for row in run.metrics()] == [1, 2, 3, 4, 5, 6, 7]
    assert [row["update"] for row in run.samples()] == [1, 2, 3, 4, 5]


def test_a_cut_of_a_run_without_files_makes_none(tmp_path: Path) -> None:
    RunDirectory(tmp_path).truncate_after(0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("[]", " holds a list; it must be an object."),
        ("{}", " has no update."),
        ('{"update": "5"}', ": update is '5'; it must be a whole number."),
        ('{"update": true}', ": update is True; it must be a whole number."),
        ('{"update": 1.5}', ": update is 1.5; it must be a whole number."),
        ('{"update": -1}', ": update is -1; it must be a whole number of at least 0."),
        ('{"update": 1, "tokens": "3"}', ": tokens is '3'; it must be a whole number or null."),
        ('{"update": 1, "training_loss": []}', ": training_loss is []; it must be a number or null."),
        ('{"update": 1, "hellaswag_items": {}}', ": hellaswag_items is {}; it must be a whole number or null."),
    ],
)
def test_a_row_that_cannot_be_is_named_with_its_field(run: RunDirectory, row: str, message: str) -> None:
    run.metrics_path.write_text('{"update": 1}\n' + row + "\n")
    with pytest.raises(CorruptFileError, match=rf"metrics\.jsonl, row 2{re.escape(message)}"):
        run.metrics()


def test_a_state_that_cannot_be_is_named_with_its_field(run: RunDirectory) -> None:
    (run.checkpoint_path(300) / "state.json").write_text('{"metrics": {"validation_loss": "low"}}')
    message = r"state\.json: metrics\.validation_loss is 'low'; it must be a number or null\."
    with pytest.raises(CorruptFileError, match=message):
        run.checkpoints()[-1].state()


def test_recipe_and_environment_are_read_and_absent_ones_are_empty(run: RunDirectory) -> None:
    assert run.recipe() == run.environment() == {}
    run.recipe_path.write_text('[model]\nname = "é"\n', encoding="utf-8")
    write_json(run.environment_path, {"torch": "2.13"})
    assert run.recipe() == {"model": {"name": "é"}}
    assert run.environment() == {"torch": "2.13"}


def test_recipe_and_environment_that_cannot_be_read_are_named(run: RunDirectory) -> None:
    for content in (b"= 3", b"\xff", b"a = 1" + b"0" * 5000, b"a = " + b"[" * 5000, b"a = 2020-13-01"):
        run.recipe_path.write_bytes(content)
        with pytest.raises(CorruptFileError, match=r"run\.toml is not TOML"):
            run.recipe()
    run.recipe_path.unlink()
    run.recipe_path.mkdir()
    with pytest.raises(StorageError, match=r"cannot read .*run\.toml: Is a directory"):
        run.recipe()
    run.environment_path.write_text("[]")
    with pytest.raises(CorruptFileError, match=r"environment\.json holds a list, not an object"):
        run.environment()
