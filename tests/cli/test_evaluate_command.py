import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.cli.main import main
from gpt25.data import prepare, read_documents
from gpt25.evaluation.harness.lm_eval_tasks import HarnessScore
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.tokenizer import Tokenizer
from gpt25.weights import save_pretrained

PLACES = ("barn", "road")
PASSAGES = [f"{name} went out and then came back to the {place}" for name in ("Ann", "Bob") for place in PLACES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models of single bytes, a set for LAMBADA and HellaSwag, and token shards."""
    folder = tmp_path_factory.mktemp("evaluate")
    tokenizer = Tokenizer.train(["any text"], vocabulary_size=257)
    for seed in (1, 2):
        shape = GPTConfiguration(
            block_size=64, vocabulary_size=257, number_of_layers=1, number_of_heads=2, number_of_embedding_dimensions=16
        )
        model = GPTModel(shape, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(10 if parameter.dim() == 2 else 1)
        save_pretrained(model, tokenizer, folder / f"model-{seed}")
    (folder / "lambada.txt").write_text("\n".join(PASSAGES))
    rows = [{"ctx": text, "endings": ["and sat.", "or ran.", "then.", "so."], "label": 1} for text in PASSAGES]
    (folder / "hellaswag.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for number in range(20):
        (folder / f"{number}.txt").write_text(f"text number {number} and so on, " * 5)
    prepare(read_documents([folder / "*.txt"]), tokenizer, folder / "shards", validation_fraction=0.5)
    return folder


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> Any:
    assert main(["evaluate", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def complaint(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["evaluate", *map(str, words)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err


def lambada(folder: Path) -> list[object]:
    return [folder / "model-1", "--task", "lambada", "--data", folder / "lambada.txt", "--device", "cpu"]


def test_json_has_what_was_promised(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = answer(capsys, *lambada(folder))
    assert given["task"] == "lambada"
    assert set(given["metrics"]) == {"perplexity", "accuracy", "accuracy_last_token", "accuracy_stop_word_filter"}
    assert set(given["metrics"]) == set(given["standard_errors"]) == set(given["definitions"])
    assert (given["units"], given["limit"], given["data"]) == (4, None, str(folder / "lambada.txt"))
    published = {(each["metric"], each["model"], each["value"]) for each in given["references"]}
    assert ("perplexity", "gpt2", 35.13) in published
    assert ("accuracy", "gpt2", 0.3256) in published
    assert all(each["definition"] and each["source"] for each in given["references"])
    assert given["seconds"] > 0


def test_the_table_has_value_error_definition_and_what_was_published(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *map(str, lambada(folder))]) == 0
    said = capsys.readouterr().out
    assert "± s.e." in said
    assert re.search(r"perplexity +\S*model-1 +[\d.,]+ +[\d.e+]+ +exp of the mean loss of the last word", said)
    assert re.search(r"perplexity +gpt2 +35\.13 +OpenAI's own text", said)
    assert "Radford et al. 2019" in said
    assert f"4 units from {folder / 'lambada.txt'}, float32." in said
    assert "quick look" not in said


def test_a_limit_is_marked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = answer(capsys, *lambada(folder), "--limit", 2)
    assert (given["limit"], given["units"]) == (2, 2)
    assert main(["evaluate", *map(str, lambada(folder)), "--limit", "2"]) == 0
    assert "(only the first 2: a quick look, not the score)" in capsys.readouterr().out


def test_figures_do_not_depend_on_what_is_read_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual = answer(capsys, *lambada(folder))["metrics"]
    assert answer(capsys, *lambada(folder), "--batch-tokens", 1)["metrics"] == pytest.approx(usual, rel=1e-4)


def test_two_models_are_compared_on_the_same_items(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [folder / "model-1", "--task", "hellaswag", "--data", folder / "hellaswag.jsonl"]
    given = answer(capsys, *words, "--against", folder / "model-2")
    alone = answer(capsys, folder / "model-2", *words[1:])
    assert given["against"]["metrics"] == alone["metrics"]
    for difference in given["against"]["differences"]:
        metric = difference["metric"]
        assert difference["value"] == pytest.approx(given["metrics"][metric] - alone["metrics"][metric])
        assert difference["test"].startswith("McNemar, exact")
        assert 0 <= difference["p_value"] <= 1
    assert main(["evaluate", *map(str, words), "--against", str(folder / "model-2")]) == 0
    said = capsys.readouterr().out
    assert "model-2, on the same units" in said
    assert "McNemar" in said


def test_a_loss_is_measured_on_shards(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = answer(capsys, folder / "model-1", "--task", "loss", "--data", folder / "shards")
    assert set(given["metrics"]) == {"loss", "perplexity", "bits_per_byte"}
    assert given["references"] == []


@pytest.mark.parametrize("number_of_ranks", [1, 2, 4])
def test_several_ranks_get_the_figures_of_one(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], number_of_ranks: int
) -> None:
    """Under torchrun with gloo: what is counted, and tokens, to the last digit; other figures to rounding."""
    model, common = folder / "model-1", ["--device", "cpu"]
    tasks = {
        "hellaswag": [model, "--task", "hellaswag", "--data", folder / "hellaswag.jsonl", *common],
        "lambada": lambada(folder),
        "loss": [model, "--task", "loss", "--data", folder / "shards", *common],
    }
    calls = [[*map(str, words), "--json"] for words in tasks.values()]
    script = tmp_path / "evaluate_all.py"  # one start of the ranks for all tasks; as if restarted, to meet anew
    script.write_text(
        "import os\nfrom gpt25.cli.main import main\n"
        f"for number, words in enumerate({calls!r}):\n"
        "    os.environ['TORCHELASTIC_RESTART_COUNT'] = str(number)\n"
        "    assert main(['evaluate', *words]) == 0\n"
    )
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", str(number_of_ranks), "--standalone"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TORCH_CPP_LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        [sys.executable, *launcher, str(script)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()  # the first rank alone speaks
    for (name, words), line in zip(tasks.items(), lines, strict=True):
        together, alone = json.loads(line), answer(capsys, *words)
        assert together["metrics"] == pytest.approx(alone["metrics"], rel=1e-6)
        assert together["standard_errors"] == pytest.approx(alone["standard_errors"], rel=1e-5)
        counted = [metric for metric in alone["metrics"] if metric.startswith("accuracy")]
        assert [together["metrics"][metric] for metric in counted] == [alone["metrics"][metric] for metric in counted]
        assert (together["units"], together["definitions"]) == (alone["units"], alone["definitions"])
        if name == "loss":
            assert re.search(r"[\d,]+ tokens from the start of the set", together["definitions"]["loss"])
            assert together["metrics"] == alone["metrics"]


def test_a_task_of_the_harness_has_its_own_figures(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def scores(name: str, *_models: object, limit: int | None, **_words: object) -> list[HarnessScore]:
        assert (name, limit) == ("piqa", 5)
        return [HarnessScore("acc", 0.5, 0.1, "of the harness")]

    monkeypatch.setattr("gpt25.cli.commands.evaluate.score_harness_task", scores)
    words = [folder / "model-1", "--task", "lm-eval:piqa", "--limit", 5]
    given = answer(capsys, *words)
    assert (given["task"], given["metrics"], given["references"]) == ("lm-eval:piqa", {"acc": 0.5}, [])
    assert (given["standard_errors"], given["definitions"]) == ({"acc": 0.1}, {"acc": "of the harness"})
    assert main(["evaluate", *map(str, words)]) == 0
    said = capsys.readouterr().out
    assert "piqa (only the first 5: a quick look, not the score)" in said
    assert re.search(r"acc +0\.5000 +0\.1 +of the harness", said)


def test_the_tasks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    names = [task["name"] for task in answer(capsys, "--tasks")["tasks"]]
    assert {"lambada", "cbt-cn", "wikitext103", "1bw", "text8", "hellaswag-harness", "blimp", "core"} <= set(names)
    assert main(["evaluate", "--tasks"]) == 0
    assert "completion style of llm.c" in capsys.readouterr().out


def test_the_users_mistakes_are_said_in_a_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = folder / "model-1"
    assert "needs a model and a task: gpt25 evaluate gpt2 --task hellaswag" in complaint(capsys, model)
    assert "Did you mean 'hellaswag'?" in complaint(capsys, model, "--task", "helaswag")
    assert "absent.txt is no file" in complaint(capsys, model, "--task", "ptb", "--data", "absent.txt")
    assert "limit is 0; it must be at least 1" in complaint(capsys, *lambada(folder), "--limit", 0)
    assert "there is no model 'absent'" in complaint(capsys, "absent", *lambada(folder)[1:])
    assert "--data has no meaning for lm-eval:piqa" in complaint(capsys, model, "--task", "lm-eval:piqa", "--data", "x")
    assert "HF_HUB_OFFLINE forbids asking" in complaint(capsys, model, "--task", "piqa")
