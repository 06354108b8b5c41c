"""From a folder of twenty Markdown files to a model that others have: the commands that a new user types, in order."""

import importlib
import inspect
import json
import shlex
import sys
from pathlib import Path

import gguf
import pytest

from gpt25.cli.main import main
from gpt25.records import RunDirectory
from gpt25.tokenizer import Tokenizer

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent / "session"))
from commit_hub import WRITER, commit_hub
from terminal import PROMPT, gpt25

sys.path.pop(0)
sys.path.pop(0)

MODULES = (
    "argparse ast bisect calendar cmd codecs collections configparser copy csv datetime difflib dis enum fractions"
)
MODULES += " functools heapq json logging textwrap"
GREEDY = "--temperature 0 --max-new-tokens 12 --precision float32 --device cpu"

TOKENIZER = "tokenizer train notes --vocabulary-size 400 --output tokenizer"
TRAIN = (
    "train quickstart --data.texts notes --data.tokenizer tokenizer --data.validation-tokens 512 "
    "--model.vocabulary-size 400 --model.number-of-layers 1 --model.number-of-embedding-dimensions 32 "
    "--batch.tokens-per-update 1024 --batch.micro-batch-rows 8 --loop.number-of-updates 24 "
    "--loop.validation-interval-in-updates 12 --loop.samples-interval-in-updates 12 --loop.device cpu "
    "--loop.sample-prompt '# ' --run runs/notes"
)
GENERATE = f"generate runs/notes --prompt '# ' {GREEDY} --json"
GGUF = "export runs/notes --format gguf --output notes.gguf"
PUSH = "push runs/notes me/notes --licence cc-by-4.0"


def write_notes(directory: Path) -> None:
    """Twenty files of prose in Markdown, about 100 kB: what the standard library says of itself."""
    directory.mkdir()
    for name in MODULES.split():
        module = importlib.import_module(name)
        parts = [f"# {name}\n\n{inspect.getdoc(module) or ''}\n"]
        for member, value in sorted(vars(module).items()):
            if callable(value) and getattr(value, "__module__", None) == name and inspect.getdoc(value):
                parts.append(f"## {member}\n\n{inspect.getdoc(value)}\n")
        (directory / f"{name}.md").write_text("\n".join(parts), encoding="utf-8")


def test_from_twenty_files_to_a_model_that_others_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_notes(tmp_path / "notes")
    assert len(list((tmp_path / "notes").iterdir())) == 20

    # a tokenizer of its own, a model, and samples as it learns
    assert main(shlex.split(TOKENIZER)) == 0
    tokenizer = Tokenizer.load("tokenizer")
    assert tokenizer.vocabulary_size == 400
    assert main(shlex.split(TRAIN)) == 0
    run = RunDirectory("runs/notes")
    losses = [row["validation_loss"] for row in run.metrics() if row.get("validation_loss") is not None]
    assert losses[-1] < losses[0]
    assert [sample["update"] for sample in run.samples()] == [12, 24]
    assert all(sample["text"] for sample in run.samples())

    # a text, and a session in which one is gone on with
    capsys.readouterr()
    assert main(shlex.split(GENERATE)) == 0
    (sample,) = json.loads(capsys.readouterr().out)["samples"]
    with gpt25("generate", "runs/notes", *GREEDY.split(), XDG_STATE_HOME=str(tmp_path / "state")) as terminal:
        terminal.until(PROMPT)
        assert "[12 tokens, " in terminal.answer("# ")
        assert "[12 tokens, " in terminal.answer("/continue")
        said = terminal.answer("/show")
        terminal.type("\x04")
        assert terminal.end() == 0
    assert f"# {sample['text']}" in said

    # the same model for llama.cpp
    assert main(shlex.split(GGUF)) == 0
    fields = gguf.GGUFReader("notes.gguf").fields
    assert fields["gpt2.block_count"].contents() == 1
    assert len(fields["tokenizer.ggml.tokens"].contents()) == 400

    # and for everybody
    with commit_hub(tmp_path / "home") as hub:
        there = f"generate me/notes --prompt '# ' {GREEDY} --json"
        (code, said, noted), (_, from_there, _) = hub.gpt25((shlex.split(PUSH), WRITER), (shlex.split(there), WRITER))
        assert code == 0, noted
        files = hub.store.repositories["me/notes"].files
    checkpoint = run.find_checkpoint("newest")
    assert files["model.safetensors"] == (checkpoint / "model.safetensors").read_bytes()
    assert "optimizer.safetensors" not in files
    card = files["README.md"].decode()
    assert "license: cc-by-4.0\n" in card
    assert "Trained on texts of the maker's own: " in card
    assert " of 20 documents (" in card
    assert f"| validation | loss | {losses[-1]:.4f} | mean cross-entropy in nats per token over 512 held-out" in card
    assert json.loads(from_there)["samples"][0] == sample
