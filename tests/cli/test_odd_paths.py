"""Paths that cannot be, places that cannot be written, devices and pipes: one or two lines and exit code 2."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

import gpt25
from gpt25.cli.main import main
from gpt25.data import Document, prepare
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.records import RunDirectory
from gpt25.storage import write_json, write_manifest
from gpt25.tokenizer import Tokenizer
from gpt25.weights import save_pretrained

COMMANDS = {
    "tokenizer train from": "tokenizer train PATH --vocabulary-size 280 --output out",
    "tokenizer train to": "tokenizer train text.txt --vocabulary-size 280 --output PATH",
    "tokenizer encode": "tokenizer encode text --tokenizer PATH",
    "data prepare from": "data prepare PATH --output out --tokenizer model",
    "data prepare to": "data prepare text.txt --output PATH --tokenizer model",
    "data prepare with": "data prepare text.txt --output out --tokenizer PATH",
    "data show": "data show PATH",
    "data verify": "data verify PATH",
    "train": "train PATH --run out",
    "train by": "train PATH.toml --run out",
    "train to": "train laptop_8gb --run PATH --dry-run",
    "train on": "train laptop_8gb --run out --data.directory PATH",
    "train on texts": "train finetune --run out --start model --data.texts PATH",
    "finetune": "train finetune --run out --start PATH --data.texts text.txt",
    "generate": "generate PATH --prompt text",
    "serve": "serve PATH --port 0",
    "serve by": "serve model --port 0 --api-key-file PATH",
    "evaluate": "evaluate PATH --task lambada --data set.txt",
    "evaluate on": "evaluate model --task lambada --data PATH",
    "evaluate several on": "evaluate model --tasks lambada hellaswag --data PATH",
    "evaluate core on": "evaluate model --task core --data PATH",
    "evaluate shards": "evaluate model --task loss --data PATH",
    "evaluate to": "evaluate model --task lambada --data set.txt --output PATH/file",
    "compare": "compare PATH",
    "compare with": "compare run --evaluations PATH",
    "compare beside": "compare run --beside PATH",
    "compare to": "compare run --output PATH/page.html",
    "show": "show PATH",
    "plot loss": "plot loss PATH --output a.png",
    "plot loss to": "plot loss run --output PATH/a.png",
    "plot report to": "plot report run --output PATH/a.html",
    "plot positions": "plot positions PATH --output a.png",
    "export": "export PATH --output a.gguf",
    "export to": "export model --output PATH/a.gguf",
    "quickstart": "quickstart --run PATH",
    "plan": "plan PATH",
}
"""Every place of a command line where a path is given."""

ODD = {
    "too long": "x" * 5_000,
    "parts too long": "/".join(["x" * 200] * 30),
    "NUL": "a\0b",
    "links in a circle": "circle",
    "below a circle": "circle/below",
    "below a file": "text.txt/below",
    "device": "/dev/full",
    "pipe": "pipe",
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a text, a set, a model, a run with one checkpoint, a pipe and links in a circle."""
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("some text to read\n" * 50)
    Path("set.txt").write_text("\n".join(f"Ann {number} went to the barn" for number in range(4)))
    tokenizer = Tokenizer.train(["any text"], vocabulary_size=257)
    shape = GPTConfiguration(
        block_size=64, vocabulary_size=257, number_of_layers=1, number_of_heads=2, number_of_embedding_dimensions=16
    )
    model = GPTModel(shape, generator=torch.Generator().manual_seed(1))
    run = RunDirectory("run")
    run.checkpoints_path.mkdir(parents=True)
    for directory in (Path("model"), run.checkpoint_path(5)):
        save_pretrained(model, tokenizer, directory)
    write_json(run.checkpoint_path(5) / "state.json", {"update": 5, "tokens": 640, "metrics": {"validation_loss": 5.0}})
    write_manifest(run.checkpoint_path(5))
    run.append_metrics({"update": 5, "tokens": 640, "elapsed_seconds": 3.0, "validation_loss": 5.0})
    for name in ("pipe", "pipe.toml"):
        os.mkfifo(name)
    Path("circle").symlink_to("circle")
    return tmp_path


def complaint(capsys: pytest.CaptureFixture[str], *words: str, code: int = 2) -> str:
    capsys.readouterr()
    assert main(list(words)) == code, capsys.readouterr()
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert len(error) < 3_000
    return error


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_path_in_any_place_of_any_command_is_an_error_of_few_lines(
    place: Path, capsys: pytest.CaptureFixture[str], odd: str
) -> None:
    for name, words in COMMANDS.items():
        error = complaint(capsys, *(word.replace("PATH", ODD[odd]) for word in words.split()))
        error = error.removeprefix("loading below\n")  # a server's word for what may be a repository on the Hub
        assert error.startswith(("error: ", "lambada was not scored: ")), (name, error)
        assert len(error.splitlines()) <= 6, (name, error)
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


def test_a_directory_that_may_not_be_searched_is_named_everywhere(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests may run as root, who may search everything: the system's refusal is put in by hand."""
    real = os.stat
    secret = place / "secret"

    def refusing(path: Any, **options: Any) -> os.stat_result:
        if isinstance(path, str | Path) and str(path).startswith(str(secret)):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, **options)

    monkeypatch.setattr(os, "stat", refusing)
    for name, words in COMMANDS.items():
        if not name.endswith((" to", "quickstart")):  # those make their directory, which nobody refuses here
            error = complaint(capsys, *(word.replace("PATH", str(secret / "here")) for word in words.split()))
            assert "secret" in error, (name, error)
            assert "Permission denied" in error, (name, error)


@pytest.mark.parametrize("words", ["show .", "tokenizer train text.txt --vocabulary-size 280 --output out", "doctor"])
def test_a_deleted_working_directory_is_said(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    Path("gone").mkdir()
    monkeypatch.chdir("gone")
    (place / "gone").rmdir()
    assert "the working directory cannot be found: No such file or directory. It was deleted" in complaint(
        capsys, *words.split()
    )
    monkeypatch.chdir(place)


def test_the_program_starts_in_a_deleted_working_directory(place: Path) -> None:
    (place / "gone").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(Path(gpt25.__file__).parents[1])}
    script = f'rmdir ../gone && "{sys.executable}" -m gpt25 show model'
    done = subprocess.run(
        ["sh", "-c", script], cwd=place / "gone", env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: the working directory cannot be found")


def read_in_background(path: str) -> tuple[threading.Thread, list[bytes]]:
    read: list[bytes] = []
    thread = threading.Thread(target=lambda: read.append(Path(path).read_bytes()))
    thread.start()
    return thread, read


@pytest.mark.parametrize(
    ("words", "name", "beginning"),
    [
        ("evaluate model --task lambada --data set.txt --output", "pipe", b"{"),
        ("plot loss run --output", "pipe.png", b"\x89PNG"),
        ("plot loss run --output", "pipe.svg", b"<?xml"),
        ("plot report run --output", "pipe.html", b"<!DOCTYPE html>"),
        ("plot positions model --output", "pipe.png", b"\x89PNG"),
    ],
)
def test_every_output_goes_into_a_pipe_that_stays_one(
    place: Path, capsys: pytest.CaptureFixture[str], words: str, name: str, beginning: bytes
) -> None:
    if name != "pipe":
        os.mkfifo(name)
    thread, read = read_in_background(name)
    assert main([*words.split(), name]) == 0
    thread.join(timeout=20)
    (content,) = read
    assert content.lower().startswith(beginning.lower())
    assert stat.S_ISFIFO(os.stat(name).st_mode)


def test_an_output_into_a_device_leaves_the_device(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "model", "--task", "lambada", "--data", "set.txt", "--output", "/dev/null"]) == 0
    assert "lambada" in capsys.readouterr().out.lower()
    for words in ("export model --output /dev/null", "export model --output pipe --overwrite"):
        assert "and is not replaced by a file. Name a regular file" in complaint(capsys, *words.split())
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)


def test_an_output_that_cannot_be_written_is_found_out_before_a_model_is_loaded(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gpt25.weights.load_pretrained", lambda *_, **__: pytest.fail("a model was loaded"))
    for flag in ("--output text.txt/file", "--output model"):
        words = f"evaluate model --task lambada --data set.txt {flag}".split()
        assert "error: " in complaint(capsys, *words)


def test_the_result_is_printed_before_it_is_written(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["evaluate", "model", "--task", "lambada", "--data", "set.txt", "--output", "/dev/full", "--json"]
    assert main(words) == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["task"] == "lambada"
    assert "No space left on device" in said.err


def test_a_run_that_cannot_be_written_is_scored_and_the_result_printed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("run/evaluations").write_text("a file in its place")
    assert main(["evaluate", "run", "--task", "lambada", "--data", "set.txt", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["task"] == "lambada"
    assert "the result is printed and not kept in the run: cannot write in run/evaluations" in said.err


def test_a_run_whose_disk_fills_up_meanwhile_costs_neither_the_result_nor_the_output(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from gpt25.errors import DiskFullError

    def full(*_: object) -> Path:
        raise DiskFullError("no room in the run")

    monkeypatch.setattr(RunDirectory, "write_evaluation", full)
    for tasks in (["--task", "lambada"], ["--tasks", "lambada", "lambada"]):
        data = "set.txt" if tasks[0] == "--task" else "sets"
        Path("sets").mkdir(exist_ok=True)
        Path("sets/lambada.txt").write_bytes(Path("set.txt").read_bytes())
        words = ["evaluate", "run", *tasks, "--data", data, "--output", "kept.json", "--json"]
        assert main(words) == 2
        said = capsys.readouterr()
        assert json.loads(said.out)
        assert "no room in the run" in said.err
        assert json.loads(Path("kept.json").read_text())
        Path("kept.json").unlink()


def test_evaluations_that_are_a_link_out_of_the_run_are_not_written_through(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("foreign").mkdir()
    Path("run/evaluations").symlink_to(place / "foreign")
    assert main(["evaluate", "run", "--task", "lambada", "--data", "set.txt"]) == 0
    assert "run/evaluations is a link that leads out of run" in capsys.readouterr().err
    assert list(Path("foreign").iterdir()) == []


@pytest.mark.parametrize("name", [".lock", "checkpoints", "metrics.jsonl", "data", "tensorboard", "evaluations"])
def test_training_writes_through_no_link_out_of_the_run(
    place: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    Path("foreign").mkdir()
    target = place / "foreign" / ("target" if name in (".lock", "metrics.jsonl") else "")
    if name in (".lock", "metrics.jsonl"):
        target.write_text("mine")
    Path("new").mkdir()
    Path("new", name).symlink_to(target)
    words = ["train", "finetune", "--run", "new", "--start", "model", "--data.texts", "text.txt"]
    assert f"new/{name} is a link that leads out of new" in complaint(capsys, *words)
    assert [path.read_text() for path in Path("foreign").iterdir()] == (["mine"] if target.is_file() else [])


@pytest.mark.parametrize("name", [".partial", "tokenizer", ".partial/train-000000.bin"])
def test_a_preparation_writes_through_no_link_out_of_its_directory(
    place: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    Path("foreign").mkdir()
    Path("foreign/target").write_text("mine")
    Path("new", name).parent.mkdir(parents=True)
    Path("new", name).symlink_to(place / ("foreign/target" if name.endswith(".bin") else "foreign"))
    words = ["data", "prepare", "text.txt", "--output", "new", "--tokenizer", "model"]
    assert f"new/{name} is a link that leads out of new" in complaint(capsys, *words)
    assert [path.name for path in Path("foreign").iterdir()] == ["target"]
    assert Path("foreign/target").read_text() == "mine"


def test_a_pipe_among_texts_or_shards_is_named_and_not_waited_for(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("folder").mkdir()
    Path("folder/a.txt").write_text("text")
    for name in ("folder/b.txt", "folder/c.txt.gz", "folder/d.jsonl"):
        os.mkfifo(name)
        for source in ("folder", name, "folder/*"):
            words = ["data", "prepare", source, "--output", "out", "--tokenizer", "model"]
            assert f"{name} is a pipe, no regular file" in complaint(capsys, *words)
        Path(name).unlink()
    documents = [Document(str(number), f"text {number} ".encode() * 20) for number in range(20)]
    prepare(documents, Tokenizer.load("model"), "shards", validation_fraction=0.5)
    Path("shards/train-000000.bin").unlink()
    os.mkfifo("shards/train-000000.bin")
    for words in ("data verify shards", "data show shards"):
        assert "train-000000.bin is a pipe, no regular file" in complaint(capsys, *words.split())
