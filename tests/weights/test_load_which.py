from collections.abc import Callable
from pathlib import Path

import pytest

from gpt25.errors import StorageError, WeightsError
from gpt25.model import GPTModel
from gpt25.storage import atomic_directory, write_json, write_manifest
from gpt25.weights import load_pretrained, save_pretrained, write_model_files


@pytest.fixture
def run(make_model: Callable[..., GPTModel], tmp_path: Path) -> Path:
    """A run whose checkpoints have as many layers as updates; the first is the best."""
    for update in (1, 2):
        with atomic_directory(tmp_path / "run" / "checkpoints" / f"update-{update:06d}") as directory:
            write_model_files(make_model(number_of_layers=update), None, directory)
            write_json(directory / "state.json", {"update": update, "metrics": {"validation_loss": float(update)}})
            write_manifest(directory)
    return tmp_path / "run"


@pytest.mark.parametrize(("behind", "layers"), [("", 2), ("@newest", 2), ("@best", 1), ("@1", 1), ("@2", 2)])
def test_a_word_chooses_a_runs_checkpoint(behind: str, layers: int, run: Path) -> None:
    model, _ = load_pretrained(f"{run}{behind}")
    assert model.configuration.number_of_layers == layers


def test_an_absent_checkpoint_is_named(run: Path) -> None:
    with pytest.raises(StorageError, match="has no checkpoint of update 7"):
        load_pretrained(f"{run}@7")


def test_a_directory_with_the_sign_in_its_name_is_itself(model: GPTModel, tmp_path: Path) -> None:
    save_pretrained(model, None, tmp_path / "me@home")
    assert load_pretrained(f"{tmp_path / 'me@home'}")[0].configuration == model.configuration


@pytest.mark.parametrize("word", ["runs/first@", "@best"])
def test_half_a_word_is_refused(word: str) -> None:
    with pytest.raises(WeightsError, match=f"^'{word}' names no model: write RUN@500, RUN@best or OWNER/NAME@REV"):
        load_pretrained(word)


@pytest.mark.parametrize(
    ("word", "repository"), [("someone/model@main", "someone/model"), ("gpt2@main", "openai-community/gpt2")]
)
def test_a_revision_is_chosen_of_a_repository(
    word: str, repository: str, model: GPTModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_pretrained(model, None, tmp_path / "cached")
    asked: list[tuple[str, str | None]] = []
    monkeypatch.setattr(
        "gpt25.weights.resolve.download_model",
        lambda name, *, revision=None: asked.append((name, revision)) or tmp_path / "cached",
    )
    assert load_pretrained(word)[0].configuration == model.configuration
    assert asked == [(repository, "main")]


def test_a_run_with_the_name_of_a_size_comes_before_the_hub(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run / "run.toml").touch()
    run.rename(run.with_name("gpt2"))
    monkeypatch.chdir(run.parent)
    assert load_pretrained("gpt2@best")[0].configuration.number_of_layers == 1


@pytest.mark.parametrize(
    ("choice", "mentions"), [({"checkpoint": "1"}, "checkpoint '1'"), ({"revision": "main"}, "revision 'main'")]
)
def test_the_same_choice_twice_is_refused(choice: dict[str, str], mentions: str, run: Path) -> None:
    with pytest.raises(WeightsError, match=f"run@2' says which one, and so does {mentions}; give one of them"):
        load_pretrained(f"{run}@2", **choice)
