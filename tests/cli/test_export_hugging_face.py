"""`gpt25 export --format hugging-face`: the folder that `gpt25 push` sends, on the disk."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

from gpt25.cli.main import main
from gpt25.recipes.sharing.model_folder import model_folder
from gpt25.records import RunDirectory
from gpt25.weights import load_pretrained

NAMES = ["README.md", "config.json", "generation_config.json", "loss.png", "merges.txt", "model.safetensors"]
NAMES += ["tokenizer.json", "tokenizer_config.json", "vocab.json"]


@pytest.fixture(scope="module")
def run(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    path = tmp_path_factory.mktemp("runs") / "mine"
    assert main(["train", str(recipe), "--run", str(path)]) == 0
    return RunDirectory(path)


def export(*words: object) -> int:
    return main(["export", "--format", "hugging-face", *map(str, words)])


def test_transformers_reads_the_same_logits_and_tokens(
    run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "mine"
    assert export(run.path, "--output", output) == 0
    said = capsys.readouterr()
    assert sorted(path.name for path in output.iterdir()) == NAMES
    assert f"{output}: 9 files of " in said.out
    assert f"generate {output}\n" in said.out
    assert f"push {output} OWNER/NAME\n" in said.out
    assert "left out: MANIFEST.json, optimizer.safetensors, state.json" in said.err
    model, tokenizer = load_pretrained(run.path)
    assert tokenizer is not None
    ids = torch.tensor([tokenizer.encode("def wrap(text):")])
    theirs = AutoModelForCausalLM.from_pretrained(output).eval()
    torch.testing.assert_close(theirs(ids).logits, model(ids))
    assert AutoTokenizer.from_pretrained(output)("def wrap(text):")["input_ids"] == ids[0].tolist()


def test_it_is_what_push_sends(run: RunDirectory, tmp_path: Path) -> None:
    output = tmp_path / "mine"
    assert export(run.path, "--output", output, "--licence", "mit") == 0
    sent = model_folder(str(run.path), name="mine", licence="mit").files
    for name, content in sent.items():
        assert (output / name).read_bytes() == (content if isinstance(content, bytes) else content.read_bytes())
    again = model_folder(str(output), name="me/mine")
    assert sorted(again.files) == NAMES
    assert again.card == (output / "README.md").read_text()


@pytest.mark.parametrize(("dtype", "stored"), [("bfloat16", "BF16"), ("float16", "F16")])
def test_the_weights_may_be_kept_in_another_type(
    run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str], dtype: str, stored: str
) -> None:
    output = tmp_path / "half"
    assert export(run.path, "--output", output, "--type", dtype, "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["files"] == [{"name": name, "bytes": (output / name).stat().st_size} for name in NAMES]
    with safe_open(output / "model.safetensors", "pt") as file:
        assert {file.get_slice(name).get_dtype() for name in file.keys()} == {stored}  # noqa: SIM118


def test_what_is_there_is_replaced_only_where_asked_and_never_others_files(
    run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "mine"
    assert export(run.path, "--output", output) == 0
    (output / "README.md").write_text("old")
    assert export("no-such-model", "--output", output) == 2
    assert f"error: {output} is already there. Choose another name, or add --over" in capsys.readouterr().err
    assert export(run.path, "--output", output, "--overwrite") == 0
    assert (output / "README.md").read_text() != "old"
    (output / "thesis.tex").write_text("years of work")
    assert export(run.path, "--output", output, "--overwrite") == 2
    assert "holds thesis.tex, which is no part of a model" in capsys.readouterr().err
    assert (output / "thesis.tex").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--type", "q8_0"), "--type q8_0 is of gguf"),
        (("--checkpoint", "7"), "has no checkpoint of update 7"),
    ],
)
def test_what_cannot_be_is_refused(
    run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert export(run.path, "--output", tmp_path / "never", *words) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "never").exists()


def test_a_file_in_the_way_and_a_licence_for_gguf_are_refused(
    run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    assert export(run.path, "--output", tmp_path / "file") == 2
    assert "is a file; a model is saved as a directory" in capsys.readouterr().err
    words = ["export", str(run.path), "--output", str(tmp_path / "a.gguf"), "--licence", "mit"]
    assert main(words) == 2
    assert "--licence is of hugging-face's model card" in capsys.readouterr().err
    assert main([*words[:-2], "--prompt", "Once"]) == 2
    assert "--prompt is of hugging-face's model card" in capsys.readouterr().err


def test_the_prompt_of_the_card_and_what_it_calls_the_model_are_said(
    run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(run.path, "--output", tmp_path / "mine", "--prompt", "Once upon") == 0
    assert "Its card loads it as 'mine'; with --name OWNER/NAME it says where" in capsys.readouterr().out
    assert "tokenizer('Once upon'" in (tmp_path / "mine" / "README.md").read_text()
    assert export(run.path, "--output", tmp_path / "named", "--name", "me/mine") == 0
    assert "Its card" not in capsys.readouterr().out
