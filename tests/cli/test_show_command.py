import json
import re
from pathlib import Path

import pytest
import torch

from gpt25.cli.main import main
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.weights import GLOSSARY, describe_model, save_pretrained


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    shape = GPTConfiguration(
        block_size=64, vocabulary_size=300, number_of_layers=3, number_of_heads=2, number_of_embedding_dimensions=32
    )
    save_pretrained(GPTModel(shape), None, tmp_path / "model")
    return tmp_path / "model"


PARAMETERS = 300 * 32 + 64 * 32 + 3 * (12 * 32 * 32 + 13 * 32) + 2 * 32


def test_json_is_the_description_and_nothing_else(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(directory), "--json"]) == 0
    captured = capsys.readouterr()
    shown = json.loads(captured.out)
    assert shown == describe_model(directory)
    assert shown["parameters"] == PARAMETERS
    assert shown["configuration"]["number_of_heads"] == 2
    by_name = {tensor["hugging_face_name"]: tensor for tensor in shown["tensors"]}
    assert by_name["transformer.wte.weight"] == {
        "name": "transformer.word_token_embeddings.weight",
        "hugging_face_name": "transformer.wte.weight",
        "shape": [300, 32],
        "dtype": "float32",
    }
    assert len(shown["tensors"]) == 4 + 3 * 12
    assert captured.err == ""


def row_of(text: str, name: str) -> list[str]:
    """The cells of the line that begins with a name."""
    (line,) = [line for line in text.splitlines() if line.split()[:1] == [name]]
    return re.split(r" {2,}", line)


def test_equal_blocks_read_as_one(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(directory)]) == 0
    text = capsys.readouterr().out
    row = row_of(text, "transformer.hidden.0…2.attention.query_key_value.weight")
    assert row[1:] == ["transformer.h.0…2.attn.c_attn.weight", "96 × 32", "float32", "×3", f"{3 * 96 * 32:,}"]
    assert row_of(text, "transformer.word_positional_embeddings.weight")[-1] == f"{64 * 32:,}"
    assert "hidden.1." not in text
    assert f"{PARAMETERS:,} (the head is the token embeddings, counted once)" in text
    assert f"{4 * PARAMETERS:,}" in text
    forward = describe_model(directory)["forward_operations_per_token"]
    assert f"{forward:,} forward, {3 * forward:,} in training" in text
    for short, long in GLOSSARY.items():
        assert row_of(text, short.split()[0])[-1] == long


def test_all_shows_a_row_for_every_tensor(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(directory), "--all"]) == 0
    text = capsys.readouterr().out
    for tensor in describe_model(directory)["tensors"]:
        assert row_of(text, tensor["name"])[1] == tensor["hugging_face_name"]
    assert "…" not in text


def test_blocks_that_differ_stay_apart(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(directory / "model.safetensors")
    name = "transformer.h.1.ln_1.bias"
    save_file(tensors | {name: tensors[name].to(torch.bfloat16)}, directory / "model.safetensors")
    assert main(["show", str(directory)]) == 0
    text = capsys.readouterr().out
    assert row_of(text, "transformer.hidden.0,2.layer_norm_1.bias")[1:] == [
        "transformer.h.0,2.ln_1.bias",
        "32",
        "float32",
        "×2",
        "64",
    ]
    assert "bfloat16" in row_of(text, "transformer.hidden.1.layer_norm_1.bias")


@pytest.mark.parametrize(
    ("words", "mentions"),
    [
        (["{empty}"], "holds neither config.json nor a run"),
        (["{empty}/absent"], "there is no model"),
        (["gpt2-huge"], "Did you mean gpt2-large?"),
        (["{model}", "--checkpoint", "best"], "can only be chosen of a run"),
        (["{model}", "--revision", "main"], "can only be chosen of a Hub repository"),
        (["gpt2"], "HF_HUB_OFFLINE"),
    ],
)
def test_a_model_that_is_none_is_refused_in_a_line(
    words: list[str],
    mentions: str,
    directory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    filled = [word.format(empty=tmp_path / "empty", model=directory) for word in words]
    assert main(["show", *filled]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert mentions in captured.err
    assert captured.err.count("\n") == 1


def test_a_damaged_file_is_named(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "model.safetensors").write_bytes(b"\xff" * 64)
    assert main(["show", str(directory)]) == 2
    assert "model.safetensors is not a whole safetensors file" in capsys.readouterr().err
