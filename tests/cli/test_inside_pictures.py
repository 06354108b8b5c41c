"""`gpt25 plot positions|attention|predictions|differences` from their words to files, messages and exit codes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gpt25.cli.main import main
from gpt25.figures.roughness_in_words import roughness_in_words
from gpt25.inspection import attention_weights, layer_predictions, overall_roughness, positional_embeddings
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.storage import write_json, write_manifest, write_text
from gpt25.tokenizer import Tokenizer
from gpt25.weights import load_pretrained, save_pretrained, write_model_files


def small_model(*, seed: int, layers: int = 2, smooth: bool = False) -> GPTModel:
    """A model whose tokens are single bytes; `smooth` plants sinusoids into its positions."""
    shape = GPTConfiguration(
        block_size=64,
        vocabulary_size=257,
        number_of_layers=layers,
        number_of_heads=2,
        number_of_embedding_dimensions=16,
    )
    model = GPTModel(shape, generator=torch.Generator().manual_seed(seed))
    if smooth:
        places = torch.arange(64.0)[:, None] / 64
        rounds = torch.linspace(0.5, 3, 16)
        with torch.no_grad():
            model.transformer.word_positional_embeddings.weight.copy_(torch.sin(6.2832 * rounds * places))
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models rough, smooth, deep and mute (no tokenizer), and a run with checkpoints of updates 1 and 2."""
    folder = tmp_path_factory.mktemp("models")
    tokenizer = Tokenizer.train(["any text"], vocabulary_size=257)
    save_pretrained(small_model(seed=1), tokenizer, folder / "rough")
    save_pretrained(small_model(seed=2, smooth=True), tokenizer, folder / "smooth")
    save_pretrained(small_model(seed=3, layers=3), tokenizer, folder / "deep")
    save_pretrained(small_model(seed=4), None, folder / "mute")
    (folder / "run").mkdir()
    write_text(folder / "run" / "run.toml", "")
    for update in (1, 2):
        checkpoint = folder / "run" / "checkpoints" / f"update-{update:06d}"
        checkpoint.mkdir(parents=True)
        write_model_files(small_model(seed=update, smooth=update == 2), tokenizer, checkpoint)
        write_json(checkpoint / "state.json", {"update": update, "metrics": {"validation_loss": 3.0 - update}})
        write_manifest(checkpoint)
    return folder


def answer(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Any:
    assert main(["plot", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def complaint(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    assert main(["plot", *map(str, words)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err


def test_two_models_side_by_side_say_which_is_trained_further(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [folder / "rough", folder / "smooth", "--output", tmp_path / "new" / "a.html"]
    given = answer(capsys, "positions", *words)
    assert given["smoothest"] == str(folder / "smooth")
    assert given["verdict"].startswith("smooth is trained further than the other, by its smoother positions: roughness")
    rough, smooth = given["models"]
    for model in given["models"]:
        loaded, _ = load_pretrained(model["model"])
        assert model["roughness"] == pytest.approx(overall_roughness(positional_embeddings(loaded)))
    assert smooth["roughness"] < 0.01 < 0.8 < rough["roughness"]
    assert (rough["positions"], rough["channels"], set(rough["columns"])) == (64, 16, {"4", "8", "12"})
    assert (tmp_path / "new" / "a.html").read_text().startswith("<!doctype html>")
    assert main(["plot", "positions", *map(str, words), "--columns", "1", "15"]) == 0
    assert capsys.readouterr().out == f"{given['verdict']}\nThe positions are drawn in {tmp_path}/new/a.html.\n"


def test_checkpoints_of_a_run_are_chosen_behind_an_at(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = folder / "run"
    given = answer(capsys, "positions", f"{run}@1", f"{run}@best", run, "--output", tmp_path / "a.html")
    first, best, newest = [model["roughness"] for model in given["models"]]
    assert first > 0.8
    assert best == newest < 0.01
    assert "about equally far" in given["verdict"]
    assert "has no checkpoint of update 7" in complaint(capsys, "positions", f"{run}@7", "--output", tmp_path / "a.png")
    assert "names no model: write RUN@500" in complaint(capsys, "positions", f"{run}@", "--output", tmp_path / "a.png")
    assert complaint(capsys, "positions", "openai/x@main", "--output", tmp_path / "a.png").startswith("error: ")


@pytest.mark.parametrize(
    ("roughness", "words"),
    [
        ({"a": 0.95}, "a: roughness 0.95, nearly all noise: the positions are as good as untrained."),
        ({"a": 0.4}, "a: roughness 0.40, much noise on the curves: the positions are under-trained."),
        ({"a": 0.05}, "a: roughness 0.050, some noise on the curves."),
        ({"a": 0.001}, "a: roughness 0.0010, smooth curves: the positions are well trained."),
        (
            {"a": float("nan")},
            "a: roughness none, for the positions are all the same: nothing has been learned of them.",
        ),
        (
            {"a": 0.5, "b": 0.04},
            "b is trained further than the other, by its smoother positions: roughness b 0.040, a 0.50.",
        ),
        (
            {"a": 0.5, "b": 0.52},
            "By their positions these models are trained about equally far: roughness a 0.50, b 0.52.",
        ),
        (
            {"a": 0.5, "b": 0.04, "c": 0.3},
            "b is trained further than the others, by its smoother positions: roughness b 0.040, c 0.30, a 0.50.",
        ),
        (
            {"a": float("nan"), "b": float("nan")},
            "By their positions these models are trained about equally far: roughness none.",
        ),
    ],
)
def test_roughness_in_words(roughness: dict[str, float], words: str) -> None:
    assert roughness_in_words(roughness) == words


def test_attention_of_all_heads_and_of_one(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, tokenizer = load_pretrained(folder / "rough")
    assert tokenizer is not None
    words = ["attention", folder / "rough", "--prompt", "a b\n", "--output", tmp_path / "a.html"]
    given = answer(capsys, *words)
    assert given["tokens"] == ["a", "·", "b", "↵"]
    assert given["token_ids"] == tokenizer.encode("a b\n")
    assert (given["layers"], given["heads"]) == ([0, 1], [0, 1])
    given = answer(capsys, *words, "--layer", "1", "--head", "0")
    assert (given["layers"], given["heads"]) == ([1], [0])
    content = (tmp_path / "a.html").read_text()
    assert "layer" in content
    assert attention_weights(model, given["token_ids"], layers=[1], heads=[0]).shape == (1, 1, 4, 4)
    assert main(["plot", "attention", str(folder / "run"), "--checkpoint", "1", "--output", f"{tmp_path}/b.svg"]) == 0
    assert capsys.readouterr().out == f"The attention is drawn in {tmp_path}/b.svg.\n"


def test_an_empty_prompt_is_the_end_of_text(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for picture in ("attention", "predictions"):
        given = answer(capsys, picture, folder / "rough", "--output", tmp_path / "a.html")
        assert (given["token_ids"], given["tokens"]) == ([256], ["<|endoftext|>"])


def test_predictions_are_those_of_the_layers(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["predictions", folder / "rough", "--prompt", "ab", "--choices", "3", "--output", tmp_path / "a.html"]
    given = answer(capsys, *words)
    assert given["layers"] == ["embeddings", "layer 0", "layer 1"]
    model, _ = load_pretrained(folder / "rough")
    expected = layer_predictions(model, given["token_ids"], choices=3)
    found = given["predictions"]
    assert [[[cell["token_id"] for cell in place] for place in layer] for layer in found] == expected.token_ids.tolist()
    probabilities = [[[cell["probability"] for cell in place] for place in layer] for layer in found]
    assert np.allclose(probabilities, expected.probabilities)


def test_a_picture_that_cannot_show_all_of_a_text_says_so(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gpt25.plots.pictures.predictions._HIGHEST_INCHES", 2.0)
    words = ["plot", "predictions", str(folder / "rough"), "--prompt", "x" * 40, "--output", f"{tmp_path}/a.svg"]
    assert main(words) == 0
    assert capsys.readouterr().err == "the picture has room for the last 16 of 40 tokens; a .html shows all.\n"


def test_differences_of_two_checkpoints(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = folder / "run"
    words = ["differences", f"{run}@1", f"{run}@2", "--output", tmp_path / "a.html"]
    given = answer(capsys, *words)
    tensors = {tensor["name"]: tensor for tensor in given["tensors"]}
    assert len(tensors) == 4 + 2 * 12
    assert tensors["transformer.hidden.1.attention.projection.weight"]["layer"] == 1
    assert abs(tensors["transformer.word_positional_embeddings.weight"]["cosine"]) < 0.2
    assert tensors["transformer.final_layer_norm.bias"]["cosine"] is None
    assert tensors["transformer.word_token_embeddings.weight"]["largest_singular_value_a"] > 0
    assert main(["plot", *map(str, words)]) == 0
    said = capsys.readouterr().out
    assert "attention.query_key_value.weight" in said
    assert said.endswith(f"The differences are drawn in {tmp_path}/a.html.\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("positions {rough} --output {out}.pdf", "a.pdf ends in .pdf; a picture is a .png, a .svg or"),
        ("positions {rough} --output {out}.png --columns 16", "column is 16; rough has the columns 0 to 15"),
        ("positions --output {out}.png", "there is no model to draw; name at least one"),
        ("attention {rough} --output {out}.png --layer 2", "layer is 2; this model's layers are 0 to 1"),
        ("attention {rough} --output {out}.png --head -1", "head is -1; this model's heads are 0 to 1"),
        (
            "attention {rough} --output {out}.png --prompt {long}",
            "the prompt has 65 tokens, but the model's block size is 64",
        ),
        ("attention {mute} --output {out}.png", "this model has no tokenizer"),
        ("predictions {mute} --output {out}.png", "this model has no tokenizer"),
        ("predictions {rough} --output {out}.png --prompt {long}", "shorten it to at most 64 tokens"),
        ("predictions {rough} --output {out}.png --choices 0", "choices is 0; it must be from 1 to 20"),
        ("differences {rough} {deep} --output {out}.png", "the two models differ in shape: number_of_layers 2 and 3"),
        ("attention {nothing} --output {out}.png", "there is no directory"),
    ],
)
def test_bad_words_are_refused(
    words: str, message: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {name: folder / name for name in ("rough", "deep", "mute", "nothing")}
    filled = words.format(**places, out=tmp_path / "a", long="x" * 65)
    assert message in complaint(capsys, *filled.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("picture", ["positions", "attention", "predictions", "differences", "loss"])
def test_a_place_that_cannot_be_written_is_found_before_the_model_is_looked_for(
    picture: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    models = ["no/such/model"] * (2 if picture == "differences" else 1)
    said = complaint(capsys, picture, *models, "--output", tmp_path / "file" / "a.png")
    assert said.startswith(f"error: cannot write in {tmp_path}/file: ")
