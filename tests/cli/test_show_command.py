import itertools
import json
import math
import re
from pathlib import Path

import pytest
import torch

from gpt25.cli.main import main
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.storage import write_json
from gpt25.weights import GLOSSARY, describe_model, load_pretrained, save_pretrained


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


def section_of(text: str, heading: str) -> list[list[str]]:
    """The words of each line under a heading, down to the next heading or empty line."""
    lines = text.splitlines()
    rows = itertools.takewhile(lambda line: line.startswith("  "), lines[lines.index(heading) + 1 :])
    return [row.split() for row in rows]


def test_equal_blocks_read_as_one(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(directory)]) == 0
    text = capsys.readouterr().out
    rows = section_of(text, "transformer.hidden.{0…2} ×3  =  transformer.h.{0…2}  (float32)")
    assert len(rows) == 12 + 2
    assert ["attention.query_key_value", "attn.c_attn", "weight", "96×32", f"{96 * 32:,}"] in rows
    block = 12 * 32 * 32 + 13 * 32
    assert rows[-2:] == [["one", "block", f"{block:,}"], ["×3", f"{3 * block:,}"]]
    outside = section_of(text, "transformer  (float32)")
    assert outside[1] == ["word_positional_embeddings", "wpe", "weight", "64×32", f"{64 * 32:,}"]
    assert row_of(text, "total")[-1] == f"{PARAMETERS:,}"
    assert "hidden.1." not in text
    assert f"{PARAMETERS:,} (the head is wte, counted once)" in text
    assert f"{4 * PARAMETERS:,}" in text
    forward = describe_model(directory)["forward_operations_per_token"]
    assert f"{forward:,} forward, {3 * forward:,} in training" in text
    glossary = " ".join(text.partition("short forms")[2].split())
    for short, long in GLOSSARY.items():
        assert f"{short} {long}" in glossary


@pytest.mark.parametrize("words", [[], ["--all"], ["--statistics"], ["--all", "--statistics"]])
def test_no_line_is_wider_than_a_terminal(
    words: list[str], directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(directory.parent)
    monkeypatch.setattr("gpt25.cli.output.Output.on_terminal", True)
    assert main(["show", directory.name, *words]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    if "--all" in words:
        for block in range(3):
            rows = section_of(text, f"transformer.hidden.{block}  =  transformer.h.{block}  (float32)")
            assert len(rows) == 12 + 1
            assert rows[-1][:2] == ["the", "block"]


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
    rows = section_of(text, "transformer.hidden.{0,2} ×2  =  transformer.h.{0,2}  (float32)")
    assert rows[0] == ["layer_norm_1", "ln_1", "bias", "32", "32"]
    assert rows[-1] == ["×2", "64"]
    rows = section_of(text, "transformer.hidden.1  =  transformer.h.1  (bfloat16)")
    assert rows == [["layer_norm_1", "ln_1", "bias", "32", "32"], ["the", "block", "32"]]


@pytest.mark.parametrize(
    ("words", "mentions"),
    [
        (["{empty}"], "holds neither config.json nor a run"),
        (["{empty}/absent"], "there is no directory"),
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
    assert "model.safetensors is not a complete safetensors file" in capsys.readouterr().err


def test_all_lists_the_keys_that_transformers_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For the shape of gpt2: 148 tensors and the tied head. The file has a header and a hole where the weights go."""
    from transformers import GPT2Config, GPT2LMHeadModel

    with torch.device("meta"):
        theirs = {name: tuple(tensor.shape) for name, tensor in GPT2LMHeadModel(GPT2Config()).state_dict().items()}
    assert len(theirs) == 149
    write_json(tmp_path / "config.json", GPT2Config().to_dict())
    header, offset = {}, 0
    for name, shape in theirs.items():
        if name != "lm_head.weight":
            size = 4 * math.prod(shape)
            header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + size]}
            offset += size
    content = json.dumps(header).encode()
    with open(tmp_path / "model.safetensors", "wb") as file:
        file.write(len(content).to_bytes(8, "little") + content)
        file.truncate(8 + len(content) + offset)
    assert main(["show", str(tmp_path), "--all"]) == 0
    table = capsys.readouterr().out.partition("\n\n")[0]
    rows = [re.split(r" {2,}", line) for line in table.splitlines()[2:]]
    assert sorted(row[1] for row in rows) == sorted(theirs)
    assert rows[-1] == [
        "language_modeling_head.weight",
        "lm_head.weight",
        "50257 × 768",
        "float32",
        "tied to wte.weight",
    ]
    assert main(["show", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    rows = section_of(text, "transformer.hidden.{0…11} ×12  =  transformer.h.{0…11}  (float32)")
    assert len(rows) == 12 + 2
    assert rows[-2:] == [["one", "block", "7,087,872"], ["×12", "85,054,464"]]
    assert max(map(len, text.splitlines()[1:])) <= 80
    assert "124,439,808 (the head is wte, counted once)" in text
    for short in ("wte", "wpe", "ln_1, ln_2", "attn", "c_attn", "c_proj", "mlp", "lm_head"):
        assert re.search(rf"^{short} +", text, flags=re.MULTILINE), short
    assert "not cross-attention" in text


def test_the_tied_head_is_not_among_the_tensors_that_are_counted(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", str(directory), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["tied_tensors"] == [
        {
            "name": "language_modeling_head.weight",
            "hugging_face_name": "lm_head.weight",
            "tied_to": "transformer.word_token_embeddings.weight",
        }
    ]
    assert sum(math.prod(tensor["shape"]) for tensor in shown["tensors"]) == shown["parameters"] == PARAMETERS


def test_statistics_are_those_of_the_weights(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, _ = load_pretrained(directory)
    assert main(["show", str(directory), "--statistics", "--json"]) == 0
    tensors = json.loads(capsys.readouterr().out)["tensors"]
    parameters = dict(model.named_parameters())
    assert len(tensors) == len(parameters)
    for tensor in tensors:
        weights = parameters[tensor["name"]].detach().double()
        assert tensor["statistics"] == pytest.approx(
            {
                "count": weights.numel(),
                "mean": float(weights.mean()),
                "standard_deviation": float(weights.std(correction=0)),
                "smallest": float(weights.min()),
                "largest": float(weights.max()),
                "norm": float(weights.norm()),
                "share_of_zeros": float((weights == 0).double().mean()),
            }
        )


def test_statistics_of_equal_blocks_are_of_all_their_numbers_together(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, _ = load_pretrained(directory)
    assert main(["show", str(directory), "--statistics"]) == 0
    table = capsys.readouterr().out.partition("Statistics (of blocks that are alike, all values together)\n")[2]
    rows = section_of(table, "transformer.hidden.{0…2} ×3  =  transformer.h.{0…2}  (float32)")
    together = torch.cat([block.attention.projection.weight.flatten() for block in model.transformer.hidden]).double()
    (row,) = [row for row in rows if row[0] == "attn.c_proj.weight"]
    assert row[1:] == [
        f"{together.mean():.5f}",
        f"{together.std(correction=0):.4f}",
        f"{together.min():.3f}",
        f"{together.max():.3f}",
        f"{together.norm():.2f}",
        "0.00",
    ]
    assert [row[-1] for row in rows if row[0] == "ln_1.bias"] == ["100.00"]
    assert main(["show", str(directory), "--statistics", "--all"]) == 0
    table = capsys.readouterr().out.split("\n\n")[1]
    norm = model.transformer.hidden[1].attention.projection.weight.norm()
    assert row_of(table, "transformer.hidden.1.attention.projection.weight")[-2] == f"{norm:.2f}"


def test_tensors_that_are_left_aside_are_named(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from safetensors.torch import load_file, save_file

    path = directory / "model.safetensors"
    save_file(load_file(path) | {"v_head.summary.weight": torch.zeros(1, 32)}, path, metadata={"format": "pt"})
    assert main(["show", str(directory)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "not part of a GPT-2, and left aside when it is loaded: v_head.summary.weight" in said
    assert main(["generate", str(directory), "--prompt", "x"]) == 2  # it has no tokenizer either
    assert "more tensors (1), which were left aside: v_head.summary.weight" in capsys.readouterr().err
