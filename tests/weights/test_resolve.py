from collections.abc import Callable
from pathlib import Path

import pytest

from gpt25.errors import ConfigurationError, CorruptFileError, StorageError, WeightsError
from gpt25.model import GPTModel
from gpt25.records import RunDirectory
from gpt25.storage import atomic_directory, write_json, write_manifest
from gpt25.weights import load_pretrained, require_model, resolve_model, write_model_files

Downloads = list[tuple[str, str | None]]


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Downloads:
    """What is asked of the Hub, instead of asking it."""
    asked: Downloads = []

    def download(repository: str, *, revision: str | None = None) -> Path:
        asked.append((repository, revision))
        return tmp_path / "cache"

    monkeypatch.setattr("gpt25.weights.resolve.download_model", download)
    return asked


@pytest.fixture
def run(make_model: Callable[..., GPTModel], tmp_path: Path) -> RunDirectory:
    """A run with checkpoints of 1, 2 and 10 updates and as many layers; the second is the best."""
    run = RunDirectory(tmp_path / "run")
    for update, loss in ((1, 3.0), (2, 1.0), (10, 2.0)):
        with atomic_directory(run.checkpoint_path(update)) as directory:
            write_model_files(make_model(number_of_layers=update), None, directory)
            write_json(directory / "state.json", {"update": update, "metrics": {"validation_loss": loss}})
            write_manifest(directory)
    run.recipe_path.write_text("")
    return run


@pytest.mark.parametrize(
    ("checkpoint", "layers"), [("newest", 10), ("best", 2), ("1", 1), ("2", 2)], ids=["newest", "best", "1", "2"]
)
def test_a_run_means_one_of_its_checkpoints(run: RunDirectory, checkpoint: str, layers: int) -> None:
    assert resolve_model(run.path, checkpoint=checkpoint) == run.checkpoint_path(layers)
    loaded, _ = load_pretrained(str(run.path), checkpoint=checkpoint)
    assert loaded.configuration.number_of_layers == layers


def test_a_checkpoint_that_a_run_lacks_is_refused(run: RunDirectory) -> None:
    with pytest.raises(StorageError, match="no checkpoint of update 7"):
        resolve_model(run.path, checkpoint="7")
    with pytest.raises(ConfigurationError, match="'latest'"):
        resolve_model(run.path, checkpoint="latest")


@pytest.mark.parametrize("checkpoint", ["newest", "10"])
def test_a_damaged_checkpoint_is_named_and_not_replaced(run: RunDirectory, checkpoint: str) -> None:
    path = run.checkpoint_path(10) / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"update-000010/model\.safetensors has SHA-256"):
        resolve_model(run.path, checkpoint=checkpoint)
    with pytest.raises(CorruptFileError, match=r"update-000010/model\.safetensors has SHA-256"):
        resolve_model(run.checkpoint_path(10))
    assert resolve_model(run.path, checkpoint="2") == run.checkpoint_path(2)


def test_a_directory_is_itself(directory: Path) -> None:
    assert resolve_model(directory) == directory
    assert resolve_model(str(directory)) == directory


def test_choices_that_mean_nothing_for_a_directory_are_refused(directory: Path) -> None:
    with pytest.raises(WeightsError, match="checkpoint 'best' can only be chosen of a run; .+ is one model"):
        resolve_model(directory, checkpoint="best")
    with pytest.raises(WeightsError, match="revision 'main' can only be chosen of a Hub repository; .+ is a directory"):
        resolve_model(directory, revision="main")


@pytest.mark.parametrize("name", ["gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"])
def test_a_size_name_means_openai_s_repository(
    name: str, downloads: Downloads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()  # something of this name that is no model does not stand in the way
    assert resolve_model(name, revision="abc") == tmp_path / "cache"
    assert downloads == [(f"openai-community/{name}", "abc")]


def test_a_hub_id_is_fetched(downloads: Downloads) -> None:
    resolve_model("distilbert/distilgpt2")
    assert downloads == [("distilbert/distilgpt2", None)]


def test_a_directory_here_comes_before_the_hub(
    directory: Path, downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(directory.parent.parent)
    word = f"{directory.parent.name}/{directory.name}"
    assert resolve_model(word) == Path(word)
    directory.rename(directory.with_name("gpt2"))
    monkeypatch.chdir(directory.parent)
    assert resolve_model("gpt2") == Path("gpt2")
    assert downloads == []


def test_a_checkpoint_of_a_model_on_the_hub_is_refused(downloads: Downloads) -> None:
    with pytest.raises(WeightsError, match="checkpoint 'best' can only be chosen of a run; gpt2 is a model on the Hub"):
        resolve_model("gpt2", checkpoint="best")
    assert downloads == []


@pytest.mark.parametrize(
    "word", ["", "my-model", "./a/b", "/absent/model", "a/b/c", "../x", "a b/c", "https://hf.co/a/b"]
)
def test_a_word_that_can_be_nothing_is_refused_with_what_can(word: str, downloads: Downloads, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="A model is one of gpt2, gpt2-medium, gpt2-large, gpt2-xl, a Hub id"):
        resolve_model(word if word else str(tmp_path))
    assert downloads == []


def test_a_path_is_never_taken_for_a_hub_id(downloads: Downloads) -> None:
    with pytest.raises(WeightsError, match=r"^there is no directory owner/name\. A model is one of"):
        resolve_model(Path("owner/name"))
    assert downloads == []


def test_a_misspelt_size_name_is_corrected() -> None:
    with pytest.raises(WeightsError, match=r"there is no model 'gpt2-mediun'\. Did you mean gpt2-medium\?"):
        resolve_model("gpt2-mediun")


@pytest.fixture
def deaf_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(repository: str, *, revision: str | None = None) -> Path:
        raise WeightsError(f"cannot get {repository}.")

    monkeypatch.setattr("gpt25.weights.resolve.download_model", fail)


def test_a_word_that_looks_like_a_hub_id_is_first_missed_here(deaf_hub: None) -> None:
    with pytest.raises(WeightsError, match=r"^there is no directory runs/first here, and cannot get runs/first\.$"):
        resolve_model("runs/first")
    with pytest.raises(WeightsError, match=r"^cannot get openai-community/gpt2\.$"):
        resolve_model("gpt2")


def test_beside_other_runs_a_missing_one_is_no_hub_id(
    run: RunDirectory, downloads: Downloads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run.path.rename(tmp_path / "first")
    (tmp_path / "runs").mkdir()
    (tmp_path / "first").rename(tmp_path / "runs" / "first")
    for ask in (resolve_model, require_model):
        with pytest.raises(WeightsError, match=r"^there is no directory runs/nope; runs holds first\. If runs/nope is"):
            ask("runs/nope")
        with pytest.raises(WeightsError, match=r"^there is no directory \./runs/nope; runs holds first\. A model is"):
            ask("./runs/nope")
    assert downloads == []
    resolve_model("runs/nope@main")
    assert downloads == [("runs/nope", "main")]


def test_what_a_word_means_is_known_without_reading_or_asking(
    run: RunDirectory, directory: Path, downloads: Downloads
) -> None:
    (run.checkpoint_path(10) / "model.safetensors").write_bytes(b"damaged")
    for word in (str(run.path), str(directory), "gpt2", "owner/name@abc"):
        require_model(word)
    assert downloads == []
    with pytest.raises(WeightsError, match="there is no model 'gpt2-mediun'"):
        require_model("gpt2-mediun")


def test_a_pickle_is_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(b"")
    with pytest.raises(WeightsError, match=r"pytorch_model\.bin is a pickle\. gpt25 never opens pickle files"):
        resolve_model(path)
    with pytest.raises(
        WeightsError, match=r"holds neither config\.json nor a run\. pytorch_model\.bin in it stays shut"
    ):
        resolve_model(tmp_path)


def test_a_file_is_refused_with_advice(directory: Path) -> None:
    with pytest.raises(WeightsError, match=r"model\.safetensors is a file; give the directory that holds it"):
        resolve_model(directory / "model.safetensors")


def test_an_empty_run_says_so(tmp_path: Path) -> None:
    RunDirectory(tmp_path).recipe_path.write_text("")
    with pytest.raises(StorageError, match="has no complete checkpoint"):
        resolve_model(tmp_path)
