"""A run that is there goes on by what it recorded, where nothing else is said."""

import json
from pathlib import Path

import pytest

from gpt25.cli.main import main
from gpt25.recipes import load_recipe

SMALL = (
    *("--model.block-size", "16", "--model.number-of-layers", "1", "--model.number-of-embedding-dimensions", "16"),
    *("--batch.tokens-per-update", "64", "--batch.micro-batch-rows", "4", "--loop.number-of-updates", "2"),
    *("--loop.device", "cpu", "--loop.precision", "float32", "--data.validation-tokens", "64"),
)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_text("".join(f"Line {number} of a note, and {number * 7} more words of it.\n" for number in range(400)))
    return path


@pytest.fixture
def begun(texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A run by the packaged quickstart on texts, of a size of its own."""
    run = tmp_path / "run"
    assert main(["train", "quickstart", "--run", str(run), "--data.texts", str(texts), *SMALL]) == 0
    capsys.readouterr()
    return run


def said(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> str:
    capsys.readouterr()
    assert main([str(word) for word in words]) == code
    printed = capsys.readouterr()
    return printed.out if code == 0 else printed.err


def test_the_recipe_s_name_and_the_run_are_enough(begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = load_recipe(begun / "run.toml")
    assert recorded.history.recipe == "quickstart"
    for words in (["train", "quickstart", "--run", begun], ["train", "--run", begun]):
        assert "2 updates, 128 tokens" in (out := said(capsys, *words))
        assert "all of them were done before" in out
        assert load_recipe(begun / "run.toml") == recorded
    longer = said(capsys, "train", "quickstart", "--run", begun, "--loop.number-of-updates", 3)
    assert "3 updates, 192 tokens" in longer
    assert load_recipe(begun / "run.toml").history.recipe == "quickstart"


def test_the_quickstart_goes_on_with_it_and_measures(begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "bits per byte" in said(capsys, "quickstart", "--run", begun)


def test_words_that_contradict_the_record_are_named(begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = said(capsys, "train", "quickstart", "--run", begun, "--loop.seed", 5, code=2)
    assert "another configuration (loop.seed: 5 now, 1337 then); it was begun by the recipe quickstart. Choose" in error
    error = said(capsys, "train", "gpt2_124m", "--run", begun, code=2)
    assert "it was begun by the recipe quickstart" in error
    assert "model.number_of_layers: 12 now, 1 then" in error


def test_a_recipe_file_says_what_it_states_and_the_record_the_rest(
    recipe_content: str, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, run = tmp_path / "own.toml", tmp_path / "run"
    path.write_text(recipe_content)
    words = ["train", path, "--run", run]
    said(capsys, *words, "--data.texts", texts)
    assert load_recipe(run / "run.toml").history.recipe is None
    assert "all of them were done before" in said(capsys, *words)
    path.write_text(recipe_content.replace("number_of_layers = 2", "number_of_layers = 1"))
    assert "(model.number_of_layers: 1 now, 2 then)" in said(capsys, *words, code=2)


def test_without_a_recipe_only_a_run_that_is_there_goes_on(
    begun: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "after its first word" in said(capsys, "train", "--run", tmp_path / "nothing", code=2)
    assert "after its first word" in said(capsys, "train", "--run", begun, "quickstart", code=2)


def test_the_quickstart_leaves_a_run_on_prepared_shards_to_train(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    said(capsys, "train", recipe, "--run", run)
    error = said(capsys, "quickstart", "--run", run, code=2)
    assert "holds a run of `gpt25 train` on shards that it did not make. This goes on with it: " in error
    assert json.dumps(str(run))[1:-1] in error
