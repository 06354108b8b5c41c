"""The command in this process for words and files, in processes of its own for signals and torchrun."""

import dataclasses
import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from gpt25.cli.main import main
from gpt25.errors import Interrupted
from gpt25.model import GPTModel
from gpt25.recipes import load_recipe, recipe_text
from gpt25.records import RunDirectory, in_this_shell
from gpt25.tokenizer import Tokenizer
from gpt25.training.loss.validation_loss import ValidationLoss
from gpt25.weights import save_pretrained

PATIENCE_SECONDS = 90.0


@pytest.fixture(scope="module", autouse=True)  # before what a module's tests share is made
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def failed(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert main(["train", *map(str, words)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


def test_it_trains_and_says_where_the_result_lies(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunDirectory(tmp_path / "run")
    assert main(["train", str(recipe), "--run", str(run.path)]) == 0
    printed = capsys.readouterr().out
    last = run.metrics()[-1]
    loss, sample = last["validation_loss"], last["validation_tokens"]
    assert f"4 updates, 512 tokens, validation loss {loss:.4f} on {sample:,} tokens\n" in printed
    assert printed.endswith(f"loss graph: {run.loss_picture_path}\nreport:     {run.report_path}\n")


def test_the_closing_line_names_the_last_and_the_averaged_weights(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = ("--loop.average-last-fraction", "0.5")
    for name, measured in (("better", (5.5, 5.25)), ("worse", (5.5, 5.75))):
        values = iter(measured)
        monkeypatch.setattr(ValidationLoss, "measure", lambda self, values=values: next(values))
        assert main(["train", str(recipe), "--run", str(tmp_path / name), *flag]) == 0
        printed = capsys.readouterr()
        assert "with the mean of those after the last 2 updates: the run keeps the " in printed.err
        sample = RunDirectory(tmp_path / name).metrics()[-1]["validation_tokens"]
        assert {
            "better": f"validation loss 5.2500 on {sample:,} tokens with the weights averaged over the last updates, "
            "which the run keeps (5.5000 with the last ones)\n",
            "worse": f"validation loss 5.5000 on {sample:,} tokens with the last weights, which the run keeps (5.7500 "
            "with those averaged over the last updates)\n",
        }[name] in printed.out
        assert main(["train", str(recipe), "--run", str(tmp_path / name), *flag, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert [found[f"validation_loss{which}"] for which in ("", "_of_last_weights", "_of_average")] == [
            min(measured),
            *measured,
        ]
    assert "loop.average_last_fraction: 0.0 now, 0.5 then" in failed(
        capsys, recipe, "--run", tmp_path / "better", flag[0], "0"
    )
    assert "--loop.average-last-fraction is 1.5; it must be a fraction from 0 to 1." in failed(
        capsys, recipe, flag[0], "1.5"
    )


def test_json_is_one_object_also_when_the_run_is_done_already(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", str(recipe), "--run", str(tmp_path / "run"), "--json"]
    assert main(words) == 0
    first = json.loads(capsys.readouterr().out)
    assert first.keys() == {"run", "update", "tokens", "elapsed_seconds", "training_loss", "validation_loss", "best"}
    assert first["best"] == {"update": 4, "validation_loss": first["validation_loss"]}
    assert (first["update"], first["tokens"]) == (4, 512)
    (tmp_path / "run" / "metrics.jsonl").unlink()  # the result stands in the checkpoint
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out) == first


def test_every_field_of_the_recipe_is_a_flag(recipe: Path, tmp_path: Path) -> None:
    flags = {
        "--optimizer.name": ["muon"],
        "--optimizer.peak-learning-rate": ["1e-3"],
        "--optimizer.clip-gradient-norm": ["none"],
        "--optimizer.muon-polynomial": ["newton_schulz"],
        "--optimizer.muon-beta-2": ["0.9"],
        "--optimizer.cautious-weight-decay": [],
        "--batch.short-sequences": ["0.25", "8", "0.5", "16"],
        "--batch.smaller-updates": ["0.25", "32", "0.5", "64"],
        "--model.number-of-layers": ["1"],
        "--loop.number-of-updates": ["2"],
    }
    words = [word for flag, values in flags.items() for word in (flag, *values)]
    assert main(["train", str(recipe), "--run", str(tmp_path / "run"), *words]) == 0
    recorded, packaged = load_recipe(tmp_path / "run" / "run.toml"), load_recipe(recipe)
    assert (recorded.optimizer.name, recorded.optimizer.peak_learning_rate) == ("muon", 1e-3)
    assert recorded.optimizer.clip_gradient_norm is None
    assert (recorded.optimizer.muon_polynomial, recorded.optimizer.muon_beta_2) == ("newton_schulz", 0.9)
    assert recorded.optimizer.cautious_weight_decay is True
    assert recorded.batch.short_sequences == ((0.25, 8), (0.5, 16))
    assert recorded.batch.smaller_updates == ((0.25, 32), (0.5, 64))
    assert (recorded.model.number_of_layers, recorded.loop.number_of_updates) == (1, 2)
    assert recorded.data == packaged.data
    assert recorded.schedule == dataclasses.replace(packaged.schedule, warm_up_updates=1)  # in proportion


def test_wrong_words_are_told_in_a_line_or_two(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = failed(capsys, recipe, "--optimizer.peak-learning-rat", "1")
    assert "did you mean --optimizer.peak-learning-rate?" in error
    assert "--optimizer.peak-learning-rate is -1.0; it must be a positive number." in failed(
        capsys, recipe, "--optimizer.peak-learning-rate=-1"
    )
    assert "--batch.smaller-updates is 48; it must be a multiple of" in failed(
        capsys, recipe, "--batch.smaller-updates", "0.5", "48"
    )
    assert "there is no recipe 'quickstat'; did you mean quickstart? Choose one of " in failed(capsys, "quickstat")
    assert "gpt25 train takes its flags after its first word" in failed(capsys, "--run", "x", recipe)


def test_a_directory_that_cannot_be_written_is_found_before_anything_is_loaded(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    run = tmp_path / "file" / "run"
    error = failed(capsys, recipe, "--run", run, "--data.directory", tmp_path / "absent")
    assert error == (
        f"error: cannot write in {run}: Not a directory. Choose another directory or change its permissions.\n"
    )


def test_another_configuration_is_refused_with_the_field_and_both_values(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(recipe), "--run", str(tmp_path / "run"), "--loop.number-of-updates", "2"]) == 0
    error = failed(capsys, recipe, "--run", tmp_path / "run", "--loop.number-of-updates", "2", "--loop.seed", "5")
    assert "holds a run with another configuration (loop.seed: 5 now, 1337 then). Choose another --run" in error


def test_a_corpus_shorter_than_a_block_is_an_error_before_training(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--model.block-size", 65536, "--batch.tokens-per-update", 65536]
    error = failed(capsys, recipe, "--run", tmp_path / "run", *flags)
    assert "too few for one block: 65,536 + 1 are needed" in error
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


# From a given model.


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Two texts in a folder, enough for a few dozen rows."""
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text(inspect.getsource(textwrap))
    (folder / "b.txt").write_text(inspect.getsource(inspect)[:20000])
    return folder


@pytest.fixture
def given(recipe: Path, tmp_path: Path) -> Path:
    """A model of the recipe's vocabulary."""
    shape = load_recipe(recipe).model
    tokenizer = Tokenizer.from_word(recipe.parent / "data")
    save_pretrained(GPTModel(shape, generator=torch.Generator().manual_seed(5)), tokenizer, tmp_path / "given")
    return tmp_path / "given"


FINETUNE = {
    "--batch.tokens-per-update": 512,
    "--optimizer.peak-learning-rate": 3e-3,
    "--schedule.warm-up-updates": 2,
    "--loop.number-of-updates": 6,
    "--loop.checkpoint-interval-in-updates": 2,
    "--loop.device": "cpu",
    "--loop.precision": "float32",
}
FINETUNE_FLAGS = [str(word) for pair in FINETUNE.items() for word in pair]


def test_finetune_adapts_a_model_to_texts_and_goes_on_without_either(
    given: Path, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunDirectory(tmp_path / "run")
    words = ["train", "finetune", "--run", run.path, "--start", given, "--data.texts", texts / "a.txt", texts / "b.txt"]
    assert main([*map(str, words), *FINETUNE_FLAGS, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    rows = run.metrics()
    assert [row["update"] for row in rows] == list(range(7))
    assert rows[-1]["validation_loss"] < rows[0]["validation_loss"]
    assert first["best"] == {"update": 6, "validation_loss": rows[-1]["validation_loss"]}
    shutil.rmtree(given)
    shutil.rmtree(texts)
    assert main([*map(str, words), *FINETUNE_FLAGS, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == first


def test_an_older_best_checkpoint_is_pointed_at(
    given: Path, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "my run"
    words = ["train", "finetune", "--run", run, "--start", given, "--data.texts", texts, *FINETUNE_FLAGS]
    assert main([*map(str, words), "--optimizer.peak-learning-rate", "5"]) == 0
    start = RunDirectory(run).metrics()[0]["validation_loss"]
    command = in_this_shell(f"gpt25 generate '{run}' --checkpoint best")
    assert (
        f"the best checkpoint is older: {start:.4f} after update 0\n            {command}\n" in capsys.readouterr().out
    )
    summary = RunDirectory(run).read_summary()
    assert summary is not None
    assert [f"'{run}'" in kept for kept in summary.next_commands] == [True, True, True]


def test_finetune_without_a_model_is_told_what_to_add(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = failed(capsys, "finetune", "--run", tmp_path / "run")
    assert error.startswith("error: the recipe starts from a model and none is named: add --start MODEL (gpt2, a Hub ")


def test_shards_and_texts_at_once_are_refused(recipe: Path, texts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = failed(capsys, recipe, "--data.texts", texts)
    assert "data.texts is " in error
    assert "it must be empty beside data.directory " in error


def test_a_dry_run_says_what_it_went_through(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(recipe), "--run", str(tmp_path / "run"), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "the dry run went through: data, 4 updates of 128 tokens (losses " in printed
    assert "samples, checkpoints, a resume (equal to the bit), pictures\n" in printed
    assert printed.endswith("nothing was left behind; the same command without --dry-run starts the run\n")
    assert main(["train", str(recipe), "--run", str(tmp_path / "run"), "--dry-run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["updates"], found["tokens_per_update"], found["resume_difference"]) == (4, 128, 0.0)
    assert list(tmp_path.iterdir()) == []


# In processes of its own.


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `python …` quietly; whatever still runs at the end of the test is killed with all its children."""
    processes: list[subprocess.Popen[str]] = []

    def call(*words: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield call
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert process.poll() is None, f"it ended before {what}: {process.communicate()}"
        assert time.monotonic() < deadline, f"no {what}"
        time.sleep(0.02)


def rows(run: RunDirectory) -> int:
    return len(run.metrics())


def test_signals_end_it_after_saving_with_their_exit_codes_and_it_goes_on(
    recipe: Path, tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    expected = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGUSR1: 143}
    runs = {number: RunDirectory(tmp_path / f"run-{number}") for number in expected}
    flags = ["--loop.number-of-updates", 100_000]
    processes = {
        number: start("-m", "gpt25", "train", recipe, "--run", run.path, *flags) for number, run in runs.items()
    }
    for number, process in processes.items():
        wait_for(lambda run=runs[number]: rows(run) >= 2, process, "update 2")
        process.send_signal(number)
    for number, process in processes.items():
        error = process.communicate(timeout=PATIENCE_SECONDS)[1]
        assert process.returncode == expected[number], error
        update = rows(runs[number])
        last_line = error.splitlines()[-1]
        assert last_line.startswith(
            f"stopped by {Interrupted.signal_in_words(expected[number] - 128)} after update {update:,}; saved in "
        )
        record, problems = runs[number].newest_intact_checkpoint()
        assert (record.update, problems) == (update, [])
        assert runs[number].loss_picture_path.is_file()


def test_a_second_signal_stops_at_once(
    recipe: Path, tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    run = RunDirectory(tmp_path / "run")
    # An update of a hundred thousand rows takes minutes: nothing but the second signal ends it in seconds.
    process = start("-m", "gpt25", "train", recipe, "--run", run.path, "--batch.tokens-per-update", 32 * 100_000)
    wait_for(run.checkpoints_path.is_dir, process, "the beginning")
    time.sleep(2)  # into the update: a request that comes before it is met without it
    process.send_signal(signal.SIGINT)
    time.sleep(0.8)  # what came sooner would be the same request
    assert process.poll() is None
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=PATIENCE_SECONDS) == 130
    assert time.monotonic() - begin < 10
    assert rows(run) == 0


def test_two_ranks_go_through_a_dry_run(
    recipe: Path, tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2, "-m", "--", "gpt25"]
    items = tmp_path / "items.jsonl"
    items.write_text(json.dumps({"ctx": "def a", "endings": ["(b)", "c", "d", "e"], "label": 0}))
    scoring = ["--hellaswag.interval-in-updates", 9, "--hellaswag.data", items]
    agent = start(*torchrun, "train", recipe, "--run", tmp_path / "run", "--dry-run", "--json", *scoring)
    printed, error = agent.communicate(timeout=PATIENCE_SECONDS)
    assert agent.returncode == 0, error
    assert json.loads(printed)["resume_difference"] == 0.0
    assert json.loads(printed)["hellaswag_accuracy_norm"] in (0, 1)
    assert list(tmp_path.iterdir()) == [items]


def test_two_ranks_fine_tune_as_one_does(
    given: Path, texts: Path, tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """The first rank alone makes the shards; both read them, and the model, and later neither model nor texts."""
    run, alone = RunDirectory(tmp_path / "run"), RunDirectory(tmp_path / "alone")
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2, "-m", "--", "gpt25"]
    words = ["train", "finetune", "--start", given, "--data.texts", texts, *FINETUNE_FLAGS]
    without_dropout = [f"--model.{name}-dropout=0" for name in ("embedding", "attention", "residual")]
    agent = start(*torchrun, *words, *without_dropout, "--run", run.path)
    printed, error = agent.communicate(timeout=PATIENCE_SECONDS)
    assert agent.returncode == 0, error
    assert printed.count("starting from") == 1
    assert main([*map(str, [*words, *without_dropout, "--run", alone.path])]) == 0
    assert [row["update"] for row in run.metrics()] == list(range(7))
    for kind in ("validation_loss", "training_loss"):
        both = [[row[kind] for row in each.metrics() if kind in row] for each in (run, alone)]
        assert both[0] == pytest.approx(both[1], rel=1e-4)
    shutil.rmtree(given)
    shutil.rmtree(texts)
    agent = start(*torchrun, *words, *without_dropout, "--run", run.path)
    printed, error = agent.communicate(timeout=PATIENCE_SECONDS)
    assert agent.returncode == 0, error
    assert "going on after update 6 of 6" in printed


def test_the_recipe_of_these_tests_is_strict_toml(recipe: Path) -> None:
    configuration = load_recipe(recipe)
    again = recipe.with_name("again.toml")
    again.write_text(recipe_text(configuration))
    assert dataclasses.asdict(load_recipe(again)) == dataclasses.asdict(configuration)
