"""summary.json comes back as written; what cannot be true is refused by name."""

import json
from pathlib import Path

import pytest

from gpt25.errors import CorruptFileError
from gpt25.records import RunDirectory, Summary


def test_a_summary_comes_back_as_written(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    assert run.read_summary() is None
    summary = Summary(
        title="A small GPT-2",
        finished=True,
        model_parameters=4_000_000,
        training_operations_per_token=24_000_000,
        tokens=10,
        training_seconds=1.5,
        validation_loss=3.2,
        bits_per_byte=1.7,
        held_out_bytes=1000,
        compressors={"gzip -9": 2.4},
        next_commands=["gpt25 serve run"],
    )
    run.write_summary(summary)
    assert run.read_summary() == summary
    run.write_summary(Summary("Not measured yet"))
    assert run.read_summary() == Summary("Not measured yet")


def test_a_loss_that_is_no_number_is_written_as_not_measured(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.write_summary(Summary("Diverged", validation_loss=float("nan"), bits_per_byte=float("inf")))
    assert run.read_summary() == Summary("Diverged")


def test_fields_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.summary_path.write_text('{"title": "x", "colour": "green"}')
    assert run.read_summary() == Summary("x")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("finished", 1),
        ("model_parameters", 1.5),
        ("training_operations_per_token", 0.5),
        ("tokens", -1),
        ("training_seconds", "long"),
        ("validation_loss", True),
        ("bits_per_byte", [1]),
        ("held_out_bytes", {}),
        ("compressors", ["gzip"]),
        ("compressors", {"gzip": None}),
        ("next_commands", "gpt25 serve"),
        ("next_commands", [1]),
    ],
)
def test_a_field_that_cannot_be_is_named_with_its_value(tmp_path: Path, name: str, value: object) -> None:
    run = RunDirectory(tmp_path)
    run.summary_path.write_text(json.dumps({"title": "x", name: value}))
    message = rf"summary\.json: {name}\S* is .*; it must be .*\. Delete the file; the next save"
    with pytest.raises(CorruptFileError, match=message):
        run.read_summary()


def test_a_summary_without_title_or_of_another_shape_is_corrupt(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.summary_path.write_text('{"title": 3}')
    with pytest.raises(CorruptFileError, match=r"summary\.json: title is 3; it must be a text in quotes\. Delete the"):
        run.read_summary()
    run.summary_path.write_text("{}")
    with pytest.raises(CorruptFileError, match=r"summary\.json has no title\. Delete the file"):
        run.read_summary()
    run.summary_path.write_text("[]")
    with pytest.raises(CorruptFileError, match=r"summary\.json holds a list, not an object"):
        run.read_summary()
