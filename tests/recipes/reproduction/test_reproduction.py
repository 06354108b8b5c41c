"""The whole promise, small: as a trial, interrupted at every stage, on two ranks, and against a stand-in of the Hub."""

import dataclasses
import inspect
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpt25.data import Document
from gpt25.errors import ConfigurationError, DataError
from gpt25.evaluation import find_task, read_examples
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.recipes import ReproductionSettings, reproduce
from gpt25.recipes.reproduction import reproduction as module
from gpt25.recipes.reproduction import trial as trial_module
from gpt25.recipes.reproduction.contest import keep_opponent, kept_opponent, kept_own, measure
from gpt25.recipes.run.run_data import number_of_public_shards
from gpt25.records import RunDirectory
from gpt25.runtime import Ranks
from gpt25.tokenizer import Tokenizer
from gpt25.weights import load_pretrained

sys.path.insert(0, str(Path(__file__).parents[2] / "data"))
sys.path.insert(0, str(Path(__file__).parent))
from hub_stand_in import hub
from public_data import PROGRAM, stand_in_of_the_hub

del sys.path[:2]

TRIAL = ReproductionSettings(is_trial=True, price_per_hour=2.0, currency="EUR", device="cpu")
SMALL = {
    "_VOCABULARY": 400,
    "_NUMBER_OF_UPDATES": 12,
    "_ITEMS": 12,
    "_VALIDATION_FRACTION": 0.3,
    "_SHAPE": {"block_size": 96, "number_of_layers": 1, "number_of_heads": 2, "number_of_embedding_dimensions": 16},
    "_BATCH": {"tokens_per_update": 384, "micro_batch_rows": 4, "short_sequences": ((0.3, 24), (0.6, 48))},
}
TEXT = inspect.getsource(textwrap) + inspect.getsource(dataclasses)
DOCUMENTS = [Document(f"part {start}", TEXT[start : start + 1500].encode()) for start in range(0, len(TEXT), 1500)]


@pytest.fixture
def small_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SMALL.items():
        monkeypatch.setattr(trial_module, name, value)


def figures_of(run: Path) -> list[dict[str, Any]]:
    return json.loads((run / "verdict.json").read_text())["figures"]


@pytest.mark.usefixtures("small_trial")
def test_a_trial_goes_through_all_of_it(tmp_path: Path, reporter: Any) -> None:
    verdict = reproduce(tmp_path / "run", TRIAL, reporter=reporter, documents=DOCUMENTS)
    assert verdict is not None
    content = json.loads((tmp_path / "run" / "verdict.json").read_text())
    assert content["verdict"] == verdict.verdict
    assert [figure["name"] for figure in content["figures"]] == [
        "validation loss",
        "the trial's choices of an ending",
        "the trial's last words",
    ]
    loss = content["figures"][0]
    assert loss["ours"] < loss["opponent"]  # which is about ln(400) = 6.0
    assert loss["opponent"] == pytest.approx(6.0, abs=0.3)
    assert loss["verdict"] == "better"
    assert content["tokens"] == 12 * 384
    assert content["money"] == pytest.approx(2 * content["hours"])
    assert reporter.everything.startswith("TRIAL: a small copy")
    page = (tmp_path / "run" / "report.html").read_text()
    assert "A trial on a small copy" in page
    assert "run (trial)" in page
    assert "2 EUR an hour; only the time of training" in page
    assert verdict.as_markdown().endswith(" EUR.\n")
    assert "a small GPT-2 with random weights, measured here" in page
    assert "GPT-2 124M" not in page  # nobody's published figures stand beside a trial's
    assert (tmp_path / "run" / "verdict.md").read_text().startswith("Trial, which says nothing about OpenAI's")
    opponent = json.loads((tmp_path / "run" / "opponent.json").read_text())
    assert [each["task"] for each in opponent["results"]] == ["loss", "hellaswag", "lambada"]
    again = reproduce(tmp_path / "run", TRIAL, reporter=reporter, documents=DOCUMENTS)
    assert again == verdict
    model, tokenizer = load_pretrained(tmp_path / "run")
    assert tokenizer is not None
    assert model.configuration.vocabulary_size == 400


STAGES = ["fetch", "set_up_run", "read_disciplines", "keep_opponent", "train_run", "end_summary", "kept_own", "judge"]


@pytest.mark.usefixtures("small_trial")
def test_interrupted_at_every_stage_the_same_words_go_on(
    tmp_path: Path, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reproduce(tmp_path / "whole", TRIAL, reporter=reporter, documents=DOCUMENTS)
    run = tmp_path / "run"
    for stage in STAGES:
        for when in ("before", "after"):
            with monkeypatch.context() as patch:
                real = getattr(module, stage)

                def stop(*words: Any, real: Any = real, when: str = when, **named: Any) -> Any:
                    if when == "after":
                        real(*words, **named)
                    raise KeyboardInterrupt

                patch.setattr(module, stage, stop)
                with pytest.raises(KeyboardInterrupt):
                    reproduce(run, TRIAL, reporter=reporter, documents=DOCUMENTS)
                assert not (run / "verdict.json").exists()
    reproduce(run, TRIAL, reporter=reporter, documents=DOCUMENTS)
    for one, other in zip(figures_of(run), figures_of(tmp_path / "whole"), strict=True):
        assert one == other
    assert len(RunDirectory(run).metrics()) == 12
    assert not (run / ".ready").exists(), "the other ranks of the next start would not wait"
    reporter.said.clear()
    reproduce(run, TRIAL, reporter=reporter, documents=DOCUMENTS)
    assert [each for each in reporter.said if each.startswith("scoring")] == [], "measured again"


TWO_RANKS = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import test_reproduction as test
from gpt25.runtime import Ranks

class Silent:
    def say(self, text=""): pass
    def note(self, text): pass
    def progress(self, *words, **_):
        import contextlib
        return contextlib.nullcontext(self)
    def advance(self, *words, **fields): pass

for name, value in test.SMALL.items():
    setattr(test.trial_module, name, value)
ranks = Ranks.from_environment()
found = test.reproduce(Path(sys.argv[1]), test.TRIAL, reporter=Silent(), ranks=ranks, documents=test.DOCUMENTS)
assert (found is None) == (ranks.rank == 1)
"""


@pytest.mark.usefixtures("small_trial")
def test_two_ranks_come_to_the_same_verdict(tmp_path: Path, reporter: Any) -> None:
    reproduce(tmp_path / "one", TRIAL, reporter=reporter, documents=DOCUMENTS)
    program = tmp_path / "program.py"
    program.write_text(TWO_RANKS)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(program)]
    done = subprocess.run(
        [*words, str(tmp_path / "two"), str(Path(__file__).parent)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for one, two in zip(figures_of(tmp_path / "one"), figures_of(tmp_path / "two"), strict=True):
        assert two["ours"] == pytest.approx(one["ours"], rel=1e-4)
        assert two["opponent"] == pytest.approx(one["opponent"], rel=1e-6)
        assert two["verdict"] == one["verdict"]


def test_the_whole_promise_against_a_stand_in_of_the_hub(tmp_path: Path) -> None:
    root, recipe = stand_in_of_the_hub(tmp_path)
    run = tmp_path / "run"
    words = ["reproduce", "--run", run, "--recipe", recipe, "--device", "cpu", "--json", "--price-per-hour", "10"]
    with hub(root, tmp_path / "home") as served:
        done = served.run(PROGRAM, *words)
        assert done.returncode == 0, done.stderr[-3000:]
        fetched = served.downloads()
        verdict = json.loads(done.stdout)
        again = served.run(PROGRAM, *words)
        assert again.returncode == 0, again.stderr[-3000:]
        assert [each for each in served.downloads()[len(fetched) :] if each.endswith(".bin")] == []
    assert fetched.count("fineweb_val_000000.bin") == 1
    assert fetched.count("fineweb_train_000001.bin") == 1
    assert "fineweb_train_000002.bin" not in fetched, "more was fetched than the recipe reads"
    assert verdict["opponent"] == "gpt2"
    assert [each["name"] for each in verdict["figures"]] == [
        "validation loss on fineweb",
        "HellaSwag (acc_norm)",
        "LAMBADA (accuracy)",
    ]
    assert verdict["tokens"] == 4 * 256
    assert verdict["figures"][0]["opponent"] == pytest.approx(np.log(50_257), abs=0.2)
    assert json.loads(again.stdout)["figures"] == verdict["figures"]
    page = (run / "report.html").read_text()
    assert "gpt2, measured here" in page
    assert "GPT-2 124M" in page  # OpenAI's published line stands beside the measured one
    assert verdict["commands"][0].endswith("--price-per-hour 10.0 --device cpu"), "what repeats it lacks a flag"
    assert any("data fetch fineweb10B" in command for command in verdict["commands"])
    assert "fetch: 1 training shards and one for validation of fineweb10B (0.4 GB)" in done.stderr


def test_a_processor_is_told_how_long_it_would_take(tmp_path: Path, reporter: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"5,000,134,656 tokens would take a processor some \d+ days\. --t"):
        reproduce(tmp_path / "run", ReproductionSettings(), reporter=reporter)
    assert not (tmp_path / "run").exists()


def test_an_unknown_data_set_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match="--data-set is 'pile'; it must be one of fineweb, fineweb-edu, climbmix"
    ):
        ReproductionSettings(data_set="pile")


def test_as_many_shards_are_fetched_as_the_recipe_reads() -> None:
    from gpt25.recipes import load_recipe

    assert number_of_public_shards(load_recipe("gpt2_124m")) == 51  # 9,537 x 524,288 = 5,000,134,656 tokens
    assert number_of_public_shards(load_recipe("gpt2_124m_adamw")) == 100  # 19,073 x 524,288 = 9,999,745,024


@pytest.mark.parametrize(("name", "shards"), [("gpt2_124m", 51), ("gpt2_124m_adamw", 100)])
def test_a_recipe_its_comment_and_the_pages_agree_on_what_is_fetched(name: str, shards: int) -> None:
    from gpt25.recipes import load_recipe, recipe_text

    root = Path(__file__).parents[3]
    configuration = load_recipe(name)
    assert configuration.data.directory == "data/fineweb"
    command = f"gpt25 data fetch fineweb10B --output data/fineweb --shards {shards}"
    assert command in (root / "gpt25/recipes/toml" / f"{name}.toml").read_text()
    assert number_of_public_shards(configuration) == shards
    if name == "gpt2_124m":
        assert command in (root / "docs/how_to/whole_data_sets.md").read_text()
        assert command in (root / "docs/recipes/train.sky.yaml").read_text()
        assert command in (root / "docs/one_gpu_from_ssh_to_report.md").read_text()
    assert recipe_text(configuration)


def test_a_run_without_data_is_told_what_fetches_it(
    tmp_path: Path, reporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gpt25.recipes import load_recipe, pretrain

    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"data fetch fineweb10B --output data/fineweb --shards 51\. Or name others"):
        pretrain(load_recipe("gpt2_124m"), tmp_path / "run", reporter=reporter)


def test_kept_figures_count_for_the_same_model_items_and_precision_alone(tmp_path: Path, reporter: Any) -> None:
    file = tmp_path / "passages.jsonl"
    file.write_text('{"text": "the cat sat on the mat"}\n{"text": "one two three"}\n')
    task = find_task("lambada")
    items = [(task, read_examples(task, str(file)))]
    run = RunDirectory(tmp_path / "run")
    tokenizer = Tokenizer.train([TEXT], vocabulary_size=320)
    shape = GPTConfiguration(
        block_size=32, vocabulary_size=320, number_of_layers=1, number_of_heads=1, number_of_embedding_dimensions=16
    )
    model, titles = GPTModel(shape), ["a loss"]
    (whole,) = measure(items, model, tokenizer, name="gpt2", titles=titles, ranks=Ranks(), reporter=reporter)
    assert "scoring gpt2: a loss" in reporter.said
    for name, value in {"task": "piqa", "data_sha256": "other", "limit": 1, "precision": "bfloat16"}.items():
        run.write_evaluation({**whole, "update": 12, name: value})
        keep_opponent(run, [{**whole, name: value}])
        assert kept_own(run, 12, items) is None
        assert kept_opponent(run, items, name="gpt2") is None
    run.write_evaluation({**whole, "update": 12, "precision": "float32"})
    keep_opponent(run, [whole])
    assert kept_opponent(run, items, name="gpt2-medium") is None
    assert kept_own(run, 10, items) is None
    own, opponent = kept_own(run, 12, items), kept_opponent(run, items, name="gpt2")
    assert own is not None
    assert own[0]["precision"] == "float32"
    assert opponent == [whole]
