"""The main job on a small stand-in corpus: whole, interrupted in every phase, done again, and under transformers."""

import dataclasses
import math
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.data import Document, open_shards, split_of
from gpt25.errors import ConfigurationError, Interrupted, StorageError
from gpt25.model import GPTConfiguration
from gpt25.recipes import load_recipe, quickstart
from gpt25.recipes.length import with_length
from gpt25.recipes.quickstart import VALIDATION_FRACTION
from gpt25.records import RunDirectory, Summary, in_this_shell
from gpt25.storage import exclusive_lock
from gpt25.training import TrainingConfiguration
from gpt25.weights import load_pretrained

module = sys.modules["gpt25.recipes.quickstart"]  # the package's attribute of that name is the function
Start = Callable[..., Summary]


@pytest.fixture(scope="session")
def recipe() -> TrainingConfiguration:
    packaged = load_recipe("quickstart")
    return dataclasses.replace(
        packaged,
        model=GPTConfiguration(
            block_size=32, vocabulary_size=320, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=32
        ),
        data=dataclasses.replace(packaged.data, validation_tokens=320),
        batch=dataclasses.replace(packaged.batch, tokens_per_update=128, short_sequences=()),
        loop=dataclasses.replace(packaged.loop, device="cpu", precision="float32"),
    )


@pytest.fixture
def start(
    tmp_path: Path,
    documents: list[Document],
    recipe: TrainingConfiguration,
    reporter: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Start:
    """The quickstart in the test's own directory: ten updates, whatever the machine's speed."""
    monkeypatch.setattr(module, "seconds_per_update", lambda *_, **__: 60.0)

    def call(minutes: float = 10, **changes: Any) -> Summary:
        keywords = {"documents": documents, "recipe": recipe, "reporter": reporter} | changes
        return quickstart(tmp_path / "run", minutes=minutes, **keywords)

    return call


def test_a_finished_run_has_every_file_and_true_figures(
    start: Start, tmp_path: Path, reporter: Any, documents: list[Document]
) -> None:
    summary = start()
    run = RunDirectory(tmp_path / "run")
    assert {path.name for path in run.path.iterdir()} == {
        "run.toml",
        "environment.json",
        "metrics.jsonl",
        "samples.jsonl",
        "summary.json",
        "checkpoints",
        "loss.png",
        "report.html",
        ".lock",
        "data",
        "tokenizer",
    }
    assert [row["update"] for row in run.metrics()] == list(range(1, 11))
    assert run.read_summary() == summary
    held_out = [
        document for document in documents if split_of(document, validation_fraction=VALIDATION_FRACTION) != "train"
    ]
    assert summary.finished
    assert summary.held_out_bytes == sum(len(document.content) for document in held_out)
    assert summary.tokens == 10 * 128
    assert summary.bits_per_byte == pytest.approx(
        summary.held_out_loss / math.log(2) * _validation_tokens(tmp_path) / summary.held_out_bytes
    )
    assert summary.held_out_tokens == _validation_tokens(tmp_path)
    last = run.metrics()[-1]
    assert summary.validation_loss == last["validation_loss"] != summary.held_out_loss
    names = (
        f"\nvalidation loss: {summary.validation_loss:.4f} nats per token (the {last['validation_tokens']} tokens that "
        f"training measures on the way)\nheld-out loss:   {summary.held_out_loss:.4f} nats per token (all "
        f"{summary.held_out_tokens:,} held-out tokens)\n"
    )
    assert names in reporter.everything
    assert summary.compressors.keys() == {"gzip -9", "bz2 -9", "xz -9"}
    assert all(1 < bits < 8 for bits in summary.compressors.values())
    assert f"{summary.bits_per_byte:.3f} bits per byte" in reporter.everything
    assert all(f"  {in_this_shell(command)}" in reporter.said for command in summary.next_commands)
    assert "--- it continues 'class Handler(' ---" in reporter.everything
    assert f"corpus: documents, {len(documents)} files, 0.0 MB" in reporter.said
    assert f"{summary.bits_per_byte:.3f}" in run.report_path.read_text(encoding="utf-8")


def test_every_held_out_token_is_scored_once_behind_half_a_block_or_more(start: Start, tmp_path: Path) -> None:
    summary = start()
    model, tokenizer = load_pretrained(tmp_path / "run")
    shards = open_shards(tmp_path / "run" / "data", "validation")
    tokens = [tokenizer.end_of_text_id, *shards.tokens(0, shards.number_of_tokens).tolist()]
    nats = 0.0
    for place in range(1, len(tokens)):
        # The window of 32 inputs that ends 16 tokens behind the last border of 16, or with the text.
        last = min(len(tokens), max(33, 1 + math.ceil(place / 16) * 16))
        first = max(0, last - 33)
        with torch.inference_mode():
            logits = model(torch.tensor([tokens[first : last - 1]]))[0]
        nats -= float(logits.log_softmax(-1)[place - 1 - first, tokens[place]])
    assert summary.held_out_loss == pytest.approx(nats / (len(tokens) - 1), rel=1e-5)


def _validation_tokens(tmp_path: Path) -> int:
    from gpt25.data import PreparedData

    return PreparedData.read(tmp_path / "run" / "data").validation.tokens


def test_done_again_it_says_so_and_shows_the_result(start: Start, tmp_path: Path, reporter: Any) -> None:
    first = start()
    (tmp_path / "run" / "loss.png").unlink()
    (tmp_path / "run" / "report.html").unlink()
    before = (tmp_path / "run" / "metrics.jsonl").read_bytes()
    reporter.said.clear()
    assert start(minutes=500) == first
    assert reporter.said[0].startswith(
        f"{tmp_path / 'run'} is done already, and other minutes, flags or files are not looked at"
    )
    assert f"{first.bits_per_byte:.3f} bits per byte" in reporter.everything
    assert "--- it continues 'class Handler(' ---" in reporter.everything
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == before
    assert (tmp_path / "run" / "loss.png").is_file()
    assert (tmp_path / "run" / "report.html").is_file()


def test_a_run_that_another_process_holds_is_refused_before_any_work(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_before(monkeypatch, module, "_corpus")
    run = RunDirectory(tmp_path / "run")
    run.path.mkdir()
    with (
        exclusive_lock(run.lock_path, of="", advice=""),
        pytest.raises(StorageError, match=f"{run.path} is in use by process {os.getpid()} on .*choose another --run"),
    ):
        start()
    with pytest.raises(KeyboardInterrupt):
        start()


def test_the_pictures_are_drawn_once(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Path] = []
    pictures = sys.modules["gpt25.recipes.run.run_report"]
    write_report = pictures.write_report

    def counting(run: RunDirectory, output: Path, **keywords: Any) -> None:
        drawn.append(output)
        write_report(run, output, **keywords)

    monkeypatch.setattr(pictures, "write_report", counting)
    start()
    assert drawn == [tmp_path / "run" / "report.html"]


def stop_before(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(owner, name, stop)


PHASES = {
    "the vocabulary": lambda: (module.Tokenizer, "train"),
    "the shards": lambda: (module, "prepare"),
    "the measurement": lambda: (module, "seconds_per_update"),
    "training": lambda: (module, "train_run"),
    "the figures": lambda: (module, "_summarise"),
    "writing the figures": lambda: (RunDirectory, "write_summary"),
    "the pictures": lambda: (module, "draw_run"),
    "the samples": lambda: (module, "_show_samples"),
}


@pytest.fixture(scope="session")
def whole(
    tmp_path_factory: pytest.TempPathFactory, documents: list[Document], recipe: TrainingConfiguration
) -> RunDirectory:
    """An uninterrupted run to compare with."""

    class Deaf:
        def say(self, text: str = "") -> None: ...
        def note(self, text: str) -> None: ...
        def advance(self, *_: object, **__: object) -> None: ...
        def progress(self, *_: object, **__: object) -> "Deaf":
            return self

        def __enter__(self) -> "Deaf":
            return self

        def __exit__(self, *_: object) -> None: ...

    directory = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "seconds_per_update", lambda *_, **__: 60.0)
        quickstart(directory, minutes=10, reporter=Deaf(), documents=documents, recipe=recipe)
    return RunDirectory(directory)


def test_interrupted_in_every_phase_the_same_call_goes_on(
    start: Start, whole: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory(tmp_path / "run")
    done: set[str] = set()
    for find in PHASES.values():
        with monkeypatch.context() as patch:
            stop_before(patch, *find())
            with pytest.raises(KeyboardInterrupt):
                start()
        now = {path.name for path in run.path.iterdir()} if run.path.exists() else set()  # a start that failed: nothing
        assert done <= now
        done = now
    summary = start()
    assert [row["training_loss"] for row in run.metrics()] == [row["training_loss"] for row in whole.metrics()]
    assert summary.bits_per_byte == whole.read_summary().bits_per_byte
    assert run.loss_picture_path.is_file()
    assert f"{summary.bits_per_byte:.3f}" in run.report_path.read_text(encoding="utf-8")


def test_a_signal_in_training_is_gone_on_with_where_the_run_was_moved_to(
    start: Start,
    whole: RunDirectory,
    tmp_path: Path,
    reporter: Any,
    documents: list[Document],
    recipe: TrainingConfiguration,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    append = RunDirectory.append_metrics

    def interrupting(run: RunDirectory, row: dict[str, Any]) -> None:
        append(run, row)
        if row["update"] == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(RunDirectory, "append_metrics", interrupting)
        with pytest.raises(Interrupted, match="after update 6"):
            start()
    os.rename(tmp_path / "run", tmp_path / "moved")
    reporter.said.clear()
    quickstart(tmp_path / "moved", minutes=500, reporter=reporter, documents=documents, recipe=recipe)
    assert "going on after update 6 of 10" in reporter.said  # the run keeps its own length
    rows = RunDirectory(tmp_path / "moved").metrics()
    assert [row["training_loss"] for row in rows] == [row["training_loss"] for row in whole.metrics()]


@pytest.mark.parametrize("minutes", [0, -3, math.nan, math.inf, 1441])
def test_minutes_that_cannot_be_are_refused_before_anything_is_made(
    minutes: float, start: Start, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        start(minutes=minutes)
    assert str(caught.value) == f"--minutes is {minutes}; it must be above 0 and at most 1440, a day."
    assert not (tmp_path / "run").exists()


def test_a_directory_that_cannot_be_written_is_found_first(
    tmp_path: Path, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_before(monkeypatch, module, "standard_library_documents")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=f"cannot write in {tmp_path / 'file' / 'run'}: Not a directory"):
        quickstart(tmp_path / "file" / "run", minutes=1, reporter=reporter)


def test_left_to_itself_it_reads_the_standard_library(
    tmp_path: Path, reporter: Any, documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "standard_library_documents", lambda: iter(documents))
    stop_before(monkeypatch, module.Tokenizer, "train")
    with pytest.raises(KeyboardInterrupt):
        quickstart(tmp_path / "run", minutes=1, reporter=reporter)
    assert reporter.said[0] == f"corpus: Python's standard library, {len(documents)} files, 0.0 MB"
    assert reporter.said[1] == "learning a vocabulary of 4,096 tokens from it"


def test_the_held_out_files_play_no_part_in_the_vocabulary(
    start: Start, documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []

    def train(texts: list[str], **_: object) -> None:
        given.extend(texts)
        raise KeyboardInterrupt

    monkeypatch.setattr(module.Tokenizer, "train", train)
    with pytest.raises(KeyboardInterrupt):
        start()
    held_out = {
        document.content.decode()
        for document in documents
        if split_of(document, validation_fraction=VALIDATION_FRACTION) == "validation"
    }
    assert held_out
    assert len(given) == len(documents) - len(held_out)
    assert not held_out & set(given)


def test_the_minutes_become_updates(
    start: Start, tmp_path: Path, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_before(monkeypatch, module, "set_up_run")
    for minutes, updates in ((25, 25), (0.5, 10)):
        with pytest.raises(KeyboardInterrupt):
            start(minutes=minutes)
        assert reporter.said[-1].endswith(f"{minutes:g} minutes are {updates} updates")


def test_warm_up_and_intervals_keep_their_share_of_the_run() -> None:
    recipe = load_recipe("quickstart")
    twice, tiny = with_length(recipe, 2 * recipe.loop.number_of_updates), with_length(recipe, 1)
    assert twice.loop.number_of_updates == 2 * recipe.loop.number_of_updates
    assert twice.schedule.warm_up_updates == 2 * recipe.schedule.warm_up_updates
    for name in ("validation", "samples", "checkpoint"):
        field = f"{name}_interval_in_updates"
        assert getattr(twice.loop, field) == 2 * getattr(recipe.loop, field)
        assert getattr(tiny.loop, field) == 1
    assert dataclasses.replace(twice, loop=recipe.loop, schedule=recipe.schedule) == recipe


@pytest.mark.filterwarnings("default::DeprecationWarning")
def test_transformers_loads_what_was_trained(whole: RunDirectory) -> None:
    from transformers import AutoTokenizer, GPT2LMHeadModel, GPT2TokenizerFast

    from gpt25.weights import load_pretrained

    ours, tokenizer = load_pretrained(whole.path)
    directory = str(whole.find_checkpoint("newest"))
    theirs = GPT2LMHeadModel.from_pretrained(directory).eval()
    text = "def wrap(self, text):\n    return [text] * 2  # 2 × ü\n"
    ids = tokenizer.encode(text)
    for kind in (AutoTokenizer, GPT2TokenizerFast):
        assert kind.from_pretrained(directory)(text)["input_ids"] == ids
    indices = torch.tensor([ids[:32]])
    with torch.no_grad():
        torch.testing.assert_close(ours(indices), theirs(indices).logits, rtol=0, atol=1e-4)
