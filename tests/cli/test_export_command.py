"""`gpt25 export` from the command line, on a directory and on a run."""

import json
import sys
from pathlib import Path

import gguf
import pytest

from gpt25.cli.main import main
from gpt25.installation import install_command
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.records import RunDirectory
from gpt25.storage import atomic_directory, write_manifest
from gpt25.tokenizer import Tokenizer
from gpt25.weights import save_pretrained, write_model_files


def make_model(**fields: int) -> GPTModel:
    shape = {
        "block_size": 24,
        "vocabulary_size": 262,
        "number_of_layers": 2,
        "number_of_heads": 2,
        "number_of_embedding_dimensions": 8,
    }
    return GPTModel(GPTConfiguration(**(shape | fields)))


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(["a few words, a few more words\n" * 9], vocabulary_size=262)


@pytest.fixture
def directory(tokenizer: Tokenizer, tmp_path: Path) -> Path:
    save_pretrained(make_model(), tokenizer, tmp_path / "my-model")
    return tmp_path / "my-model"


def name_in(path: Path) -> str:
    return gguf.GGUFReader(path).fields["general.name"].contents()


def test_a_directory_becomes_a_file(directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new folder" / "my model.gguf"
    assert main(["export", str(directory), "--format", "gguf", "--output", str(path)]) == 0
    captured = capsys.readouterr()
    size = path.stat().st_size
    assert captured.out.splitlines() == [
        f"{path}: {size:,} bytes, 9 tensors as float16, 19 tensors as float32, and the tokenizer.",
        "Continue a text with llama.cpp, at most 24 tokens in all:",
        f"  llama-completion -m '{path}' --temp 0 -n 12 -p Hello,",
    ]
    progress, remark = captured.err.splitlines()
    assert progress.startswith("exporting: ")
    assert remark == "llama.cpp makes room for 256 tokens and aborts when more than this model's 24 are used"
    assert name_in(path) == "my-model"


def test_json_is_one_object(directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.gguf"
    words = ["export", str(directory), "--output", str(path), "--type", "q8_0", "--name", "Mine", "--json"]
    assert main(words) == 0
    captured = capsys.readouterr()
    fallbacks = [
        f"{name}.weight"
        for name in ("token_embd", *(f"blk.{layer}.{part}" for layer in (0, 1) for part in PARTS_WITH_ROWS_OF_8))
    ]
    assert json.loads(captured.out) == {
        "output": str(path),
        "format": "gguf",
        "type": "q8_0",
        "bytes": path.stat().st_size,
        "tensors": {"float16": 7, "float32": 19, "q8_0": 2},
        "fallbacks": fallbacks,
        "rows_left_out": 0,
        "model": str(directory),
    }
    assert "kept in float16, because their rows are no multiple of 32 values: token_embd.weight, blk.0" in captured.err
    assert name_in(path) == "Mine"


PARTS_WITH_ROWS_OF_8 = ("attn_qkv", "attn_output", "ffn_up")


def test_spare_rows_are_mentioned(tokenizer: Tokenizer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_pretrained(make_model(vocabulary_size=1300, block_size=512), tokenizer, tmp_path / "padded")
    assert main(["export", str(tmp_path / "padded"), "--output", str(tmp_path / "a.gguf")]) == 0
    remarks = capsys.readouterr().err
    assert "left out: 1,038 spare rows of the embeddings, beyond the tokenizer's ids" in remarks
    assert "llama.cpp makes room" not in remarks  # its block of 512 is a multiple of 256


def test_a_run_means_the_checkpoint_that_is_asked_for(tokenizer: Tokenizer, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "my-run")
    for update in (1, 2):
        with atomic_directory(run.checkpoint_path(update)) as directory:
            write_model_files(make_model(number_of_layers=update), tokenizer, directory)
            write_manifest(directory)
    run.recipe_path.write_text("")
    for words, layers in (([], 2), (["--checkpoint", "1"], 1)):
        path = tmp_path / f"{layers}.gguf"
        assert main(["export", str(run.path), "--output", str(path), *words]) == 0
        assert gguf.GGUFReader(path).fields["gpt2.block_count"].contents() == layers
        assert name_in(path) == "my-run"


def test_the_directory_one_stands_in_has_a_name(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(directory)
    assert main(["export", ".", "--output", str(tmp_path / "a.gguf")]) == 0
    assert name_in(tmp_path / "a.gguf") == "my-model"


def test_a_file_that_is_there_is_refused_before_the_model_is_looked_for(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.gguf"
    path.write_text("before")
    assert main(["export", "no-such-model", "--output", str(path)]) == 2
    expected = f"error: {path} is already there. Choose another name, or add --overwrite to replace it.\n"
    assert capsys.readouterr().err == expected
    assert main(["export", str(directory), "--output", str(path), "--overwrite"]) == 0
    assert name_in(path) == "my-model"


def test_a_model_without_tokenizer_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_pretrained(make_model(), None, tmp_path / "mute")
    assert main(["export", str(tmp_path / "mute"), "--output", str(tmp_path / "a.gguf")]) == 2
    assert "error: the model has no tokenizer, and a GGUF file carries one." in capsys.readouterr().err
    assert not (tmp_path / "a.gguf").exists()


def test_the_missing_extra_is_one_line(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    assert main(["export", str(directory), "--output", str(tmp_path / "a.gguf")]) == 2
    expected = f"error: writing GGUF files needs the package gguf; install it with: {install_command('export')}\n"
    assert capsys.readouterr().err == expected


def test_other_formats_are_refused(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(directory), "--output", "a", "--format", "onnx"]) == 2
    assert "gguf" in capsys.readouterr().err
