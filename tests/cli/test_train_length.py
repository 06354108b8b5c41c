"""`gpt25 train` with another number of updates than its recipe's, or than its run's, and in a quickstart's run."""

import dataclasses
import inspect
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from gpt25.cli.main import main
from gpt25.cli.output import Output
from gpt25.data import Document
from gpt25.recipes import load_recipe, quickstart
from gpt25.records import RunDirectory
from gpt25.training import DataConfiguration


@pytest.fixture(scope="module", autouse=True)  # before what a module's tests share is made
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def failed(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert main(["train", *map(str, words)]) == 2
    return capsys.readouterr().err


def test_a_shorter_run_is_in_proportion_and_says_so_in_one_line_once(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", str(recipe), "--run", str(tmp_path / "run"), "--loop.number_of_updates=2"]
    line = (
        "2 updates of 4: warm-up 1 instead of 2, validation every 500 instead of 1,000, samples every 500 instead of "
        "1,000, checkpoint every 10 instead of 20\n"
    )
    assert main(words) == 0
    assert capsys.readouterr().out.startswith(line)
    begun = load_recipe(tmp_path / "run" / "run.toml")
    assert (begun.schedule.warm_up_updates, begun.loop.checkpoint_interval_in_updates) == (1, 10)
    assert main(words) == 0
    assert "instead of" not in capsys.readouterr().out
    assert load_recipe(tmp_path / "run" / "run.toml") == begun


def test_what_the_user_set_himself_is_not_scaled(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--loop.number-of-updates", "2", "--schedule.warm-up-updates", "2"]
    assert main(["train", str(recipe), "--run", str(tmp_path / "run"), *flags]) == 0
    assert capsys.readouterr().out.startswith("2 updates of 4: validation every 500 instead of 1,000")
    assert load_recipe(tmp_path / "run" / "run.toml").schedule.warm_up_updates == 2


def test_the_help_shows_what_a_shorter_run_would_have(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(recipe), "--loop.number-of-updates", "2", "--help"]) == 0
    assert "(default: 500)" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["none"], ["0"], ["-3"], ["2.5"], []])
def test_a_number_of_updates_that_is_none_is_refused_as_ever(
    words: list[str], recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = failed(capsys, recipe, "--run", tmp_path / "run", "--loop.number-of-updates", *words)
    assert "number-of-updates" in error.replace("_", "-")


def test_a_finished_run_says_how_it_goes_on_and_does(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", str(recipe), "--run", str(tmp_path / "run")]
    shorter, longer = ["--loop.number-of-updates", "3"], ["--loop.number-of-updates", "6"]
    assert main([*words, *shorter]) == 0
    capsys.readouterr()
    assert main([*words, *shorter]) == 0
    assert "all of them were done before; more of them, by --loop.number-of-updates, go on with the run" in (
        capsys.readouterr().out
    )
    begun = load_recipe(tmp_path / "run" / "run.toml")
    assert main([*words, *longer]) == 0
    said = capsys.readouterr().out
    assert f"{tmp_path / 'run'} goes on after update 3 to 6 updates instead of 3: its learning rates had fallen" in said
    assert "6 updates, 768 tokens" in said
    extended = load_recipe(tmp_path / "run" / "run.toml")
    assert (begun.schedule, extended.loop.number_of_updates) == (extended.schedule, 6)
    assert extended.history.extensions == ((3, 3),)
    assert main([*words, *longer]) == 0  # and again it is done
    error = failed(capsys, recipe, "--run", tmp_path / "run")
    assert "loop.number_of_updates: 4 now, 6 then" in error


def test_explicit_updates_go_beyond_what_epochs_allowed(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", str(recipe), "--run", str(tmp_path / "run")]
    assert main([*words, "--loop.number-of-epochs", "0.01"]) == 0
    begun = load_recipe(tmp_path / "run" / "run.toml").loop.number_of_updates
    assert begun < 4
    assert main([*words, "--loop.number-of-updates", "5"]) == 0
    assert load_recipe(tmp_path / "run" / "run.toml").loop.number_of_updates == 5


def test_a_quickstart_s_run_says_what_it_is_and_what_to_type(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory(tmp_path / "run")
    small = dataclasses.replace(load_recipe(recipe), data=DataConfiguration(validation_tokens=64))
    text = inspect.getsource(textwrap)
    documents = [Document(f"{start}", text[start : start + 800].encode()) for start in range(0, len(text), 800)]
    quickstart(run.path, minutes=0.001, reporter=Output(), documents=documents, recipe=small)
    number = load_recipe(run.recipe_path).loop.number_of_updates
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["gpt25"])
    assert main(["train", "quickstart", "--run", str(run.path)]) == 0
    assert "all of them were done before" in capsys.readouterr().out
    error = failed(capsys, "quickstart", "--run", run.path, "--loop.seed", "5")
    assert "another configuration (loop.seed: 5 now, 1337 then). " in error
    error = failed(capsys, recipe, "--run", run.path, "--model.number-of-layers", "3")
    assert error.startswith(
        f"error: {run.path} holds a run of `gpt25 quickstart`, with text, vocabulary and {number:,} updates of its own"
    )
    goes_on = f"quickstart --run {run.path}"
    longer = f"train {run.recipe_path} --run {run.path} --loop.number-of-updates {2 * number}"
    assert f"gpt25 {goes_on}. This trains it twice as long: " in error
    assert f"gpt25 {longer}. What you typed begins a run of its own in another --run directory.\n" in error
    assert main(longer.split()) == 0
    assert load_recipe(run.recipe_path).loop.number_of_updates == 2 * number
    # The quickstart then measures what it has become, and knows it from then on.
    capsys.readouterr()
    for said in ("held-out text: ", "is done already"):
        summary = quickstart(run.path, minutes=0.001, reporter=Output(), documents=documents, recipe=small)
        assert said in capsys.readouterr().out
        assert summary.tokens == 2 * number * small.batch.tokens_per_update
        assert summary.compressors
