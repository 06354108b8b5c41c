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

QUICKSTART = "quickstart --texts notes --minutes 0.005"
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

    # one command: a tokenizer of its own, a model of a size for so little text, and samples as it learns
    assert main(shlex.split(QUICKSTART)) == 0
    printed = capsys.readouterr().out
    run = RunDirectory("runs/notes")
    size = Tokenizer.load(run.tokenizer_path).vocabulary_size
    assert f"learning a vocabulary of {size:,} tokens from the texts" in printed
    assert "--- it continues '# argparse' ---\n# argparse" in printed
    rows = [row for row in run.metrics() if row.get("validation_loss") is not None]
    assert rows[-1]["validation_loss"] < rows[0]["validation_loss"]
    assert {sample["prompt"] for sample in run.samples()} == {"# argparse"}
    assert run.samples()[-1]["update"] == len(run.metrics()) == 10
    assert run.report_path.is_file()

    # a text, and a session in which one is gone on with
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
    assert fields["gpt2.block_count"].contents() == 2
    assert len(fields["tokenizer.ggml.tokens"].contents()) == size

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
    loss, tokens = rows[-1]["validation_loss"], rows[-1]["validation_tokens"]
    assert f"| validation | loss | {loss:.4f} | mean cross-entropy in nats per token over {tokens:,} held-out" in card
    assert json.loads(from_there)["samples"][0] == sample
