import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.cli.main import main
from gpt25.data import prepare, read_documents
from gpt25.evaluation.harness.harness_settings import HarnessSettings
from gpt25.evaluation.harness.lm_eval_tasks import HarnessResult, HarnessScore
from gpt25.evaluation.harness.sample_measurement import sample_measurement
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.records import in_this_shell
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
    assert re.search(
        r"perplexity +\S*model-1 +[\d.,]+ +[\d.e+]+ \(bootstrap [\d.e+]+\) +exp of the mean loss of the last word", said
    )
    assert re.search(r"perplexity +gpt2 +35\.13 +OpenAI's own text", said)
    assert "Radford et al. 2019" in said
    assert said.startswith("lambada on lambada.txt: 4 passages\n")  # not "OpenAI's text: 5,153 passages"
    assert f"4 passages from {folder / 'lambada.txt'}, float32." in said
    assert "The published figures are of: LAMBADA test, OpenAI's text: the last word of 5,153 passages." in said
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
    assert "model-2, on the same items" in said
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
    def scores(name: str, *_models: object, settings: HarnessSettings, **_keywords: object) -> HarnessResult:
        assert (name, settings) == ("piqa", HarnessSettings(limit=5))
        return HarnessResult([HarnessScore("acc", 0.5, 0.1, "of the harness")])

    monkeypatch.setattr("gpt25.cli.harness_task.score_harness_task", scores)
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
    trial = in_this_shell("gpt25 evaluate gpt2 --task hellaswag")
    assert f"needs a model and a task: {trial}" in complaint(capsys, model)
    assert "Did you mean 'hellaswag'?" in complaint(capsys, model, "--task", "helaswag")
    assert "absent.txt is no file" in complaint(capsys, model, "--task", "ptb", "--data", "absent.txt")
    assert "limit is 0; it must be at least 1" in complaint(capsys, *lambada(folder), "--limit", 0)
    assert "there is no directory absent" in complaint(capsys, "absent", *lambada(folder)[1:])
    assert "--data has no meaning for lm-eval:piqa" in complaint(capsys, model, "--task", "lm-eval:piqa", "--data", "x")
    assert "HF_HUB_OFFLINE forbids asking" in complaint(capsys, model, "--task", "piqa")
    assert "--num-fewshot has no meaning for lambada" in complaint(capsys, *lambada(folder), "--num-fewshot", 3)
    assert "--log-samples has no meaning for lambada" in complaint(capsys, *lambada(folder), "--log-samples", "x")
    harness = [model, "--task", "lm-eval:piqa"]
    assert "--skip-invalid has no meaning for lm-eval:piqa" in complaint(capsys, *harness, "--skip-invalid")
    assert "--num-fewshot is -1; it must be at least 0" in complaint(capsys, *harness, "--num-fewshot=-1")
    assert "absent is no directory; include_path is one" in complaint(capsys, *harness, "--include-path", "absent")
    assert "or several behind --tasks" in complaint(capsys, *lambada(folder), "--tasks", "piqa", "copa")
    assert "Did you mean 'piqa'?" in complaint(capsys, model, "--tasks", "hellaswag", "piqqa")


@pytest.fixture
def sets(folder: Path, tmp_path: Path) -> Path:
    """A directory with a file for each of three tasks, one of which is a test split."""
    rows = [{"goal": text, "sol1": "run", "sol2": "sit", "label": n % 2} for n, text in enumerate(PASSAGES)]
    (tmp_path / "piqa.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "lambada.txt").write_text("\n".join(PASSAGES))
    (tmp_path / "siqa.jsonl").write_text(
        json.dumps({"context": "a", "question": "b", **dict.fromkeys(("answerA", "answerB", "answerC"), "c")})
    )
    return tmp_path


def test_several_tasks_are_scored_in_one_call(folder: Path, sets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [folder / "model-1", "--tasks", "piqa", "lambada", "--data", sets, "--device", "cpu"]
    given = answer(capsys, *words, "--output", sets / "both.json")
    assert [each["task"] for each in given["results"]] == ["piqa", "lambada"]
    assert given["failed"] == {}
    alone = answer(capsys, *lambada(folder))
    assert given["results"][1]["metrics"] == alone["metrics"]
    kept = json.loads((sets / "both.json").read_text())["results"]
    assert all(each["items"] for each in kept)
    assert main(["evaluate", *map(str, words)]) == 0
    said = capsys.readouterr().out
    assert "piqa on piqa.jsonl: 4 items" in said
    assert "No figure of OpenAI's GPT-2 is published for this; --against gpt2 measures it" in said
    assert "lambada on lambada.txt: 4 passages" in said


def test_a_task_that_fails_does_not_cost_the_others(
    folder: Path, sets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [folder / "model-1", "--tasks", "siqa", "piqa", "copa", "--data", sets, "--device", "cpu", "--json"]
    assert main(["evaluate", *map(str, words)]) == 2
    said = capsys.readouterr()
    given = json.loads(said.out)
    assert [each["task"] for each in given["results"]] == ["piqa"]
    assert set(given["failed"]) == {"siqa", "copa"}
    assert said.err.endswith("error: 2 of 3 tasks were not scored: siqa, copa; see above.\n")
    assert [said.err.count(f"{name} was not scored: ") for name in ("siqa", "copa")] == [1, 1]
    assert "siqa.jsonl has no answers, as the test splits of many sets have none" in said.err
    assert "holds none for copa; for several tasks it needs one copa.* each" in said.err


def test_without_a_network_it_says_so_in_one_line_and_at_once(folder: Path, tmp_path: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "gpt25",
        "evaluate",
        str(folder / "model-1"),
        "--device",
        "cpu",
        "--task",
        "hellaswag",
    ]
    with socket.socket() as nobody:  # bound and deaf: every connection to it is refused
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        environment = {"HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path), "HF_ENDPOINT": address}
        done = subprocess.run(words, env=os.environ | environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "error: cannot get default/validation/0000.parquet of the data set Rowan/hellaswag from the Hub: "
    )
    assert "the Hub cannot be reached; check the connection" in line


def test_bad_items_are_counted_where_that_is_asked(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {"ctx": "He went", "endings": ["and sat.", "or ran."], "label": 1}
    long = good | {"endings": ["and sat.", "or ran " * 12]}  # 85 tokens of bytes, and the block holds 64
    (tmp_path / "set.jsonl").write_text("\n".join(map(json.dumps, [good, good | {"label": 5}, good, long])))
    words = [folder / "model-1", "--task", "hellaswag", "--data", tmp_path / "set.jsonl", "--device", "cpu"]
    assert "set.jsonl, row 2 cannot be read by the task hellaswag: label is 5" in complaint(capsys, *words)
    given = answer(capsys, *words, "--skip-invalid")
    assert (given["units"], given["left_out"]) == (2, 1)
    assert "1 row left out: " in given["data"]
    assert (
        "; 1 of 3 items left out, such as item 3: an answer of 85 tokens is longer" in given["definitions"]["accuracy"]
    )
    (tmp_path / "set.jsonl").write_text("\n".join(map(json.dumps, [good, long])))
    assert "item 2: an answer of 85 tokens is longer than the model's block of 64" in complaint(capsys, *words)


def test_texts_of_two_tokenizers_are_compared_by_article(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "".join(f" = Title {number} = \n \n The cat number {number} sat . \n \n" for number in range(5))
    (tmp_path / "wiki.raw").write_text(text)
    tokenizer = Tokenizer.train([text], vocabulary_size=270)
    shape = GPTConfiguration(
        block_size=32, vocabulary_size=270, number_of_layers=1, number_of_heads=2, number_of_embedding_dimensions=16
    )
    save_pretrained(GPTModel(shape, generator=torch.Generator().manual_seed(7)), tokenizer, tmp_path / "other")
    words = [folder / "model-1", "--task", "wikitext2", "--data", tmp_path / "wiki.raw", "--device", "cpu"]
    given = answer(capsys, *words, "--against", tmp_path / "other")
    tests = {each["metric"]: each for each in given["against"]["differences"]}
    assert tests["word_perplexity"]["test"] == "paired z over 5 articles: the models cut the text differently"
    assert tests["token_perplexity"]["p_value"] is None
    assert tests["token_perplexity"]["test"].startswith("none: the figure is per unit of ")
    assert set(given["bootstrap_errors"]) == {"word_perplexity", "token_perplexity"}
    assert main(["evaluate", *map(str, words), "--against", str(tmp_path / "other")]) == 0
    said = capsys.readouterr().out
    assert f"model-1 minus {tmp_path / 'other'}\n" in said
    assert "on the same items" not in said


def test_the_listing_says_which_tasks_have_published_figures(capsys: pytest.CaptureFixture[str]) -> None:
    published = {task["name"]: task["published"] for task in answer(capsys, "--tasks")["tasks"]}
    assert published["lambada"]
    assert published["wikitext2-harness"]
    assert not published["piqa"]
    assert not published["wikitext2-articles"]


def test_two_models_on_a_task_of_the_harness_are_paired_and_their_samples_kept(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([[1, 1, 1, 0], [0, 0, 1, 0]] * 2)

    def scores(_name: str, *_models: object, settings: HarnessSettings, **_keywords: object) -> HarnessResult:
        assert settings == HarnessSettings(num_fewshot=3, include_path=tmp_path)
        right = next(answers)
        measurement = sample_measurement("acc", "how", right, value=sum(right) / 4)
        samples = [{"doc_id": number, "acc": each} for number, each in enumerate(right)]
        return HarnessResult([HarnessScore("acc", sum(right) / 4, 0.1, "how", measurement)], {"mine": samples})

    monkeypatch.setattr("gpt25.cli.harness_task.score_harness_task", scores)
    words = [folder / "model-1", "--task", "lm-eval:mine", "--against", folder / "model-2", "--num-fewshot", 3]
    words += ["--include-path", tmp_path, "--device", "cpu"]
    files = ["--log-samples", tmp_path / "samples.jsonl", "--output", tmp_path / "kept.json"]
    given = answer(capsys, *words, *files)
    (difference,) = given["against"]["differences"]
    assert (difference["value"], difference["p_value"]) == (0.5, 0.5)
    assert difference["test"] == "McNemar, exact: 2 items right only here, 0 only there"
    lines = [json.loads(line) for line in (tmp_path / "samples.jsonl").read_text().splitlines()]
    assert [(line["model"], line["doc_id"], line["acc"]) for line in lines[3:6]] == [
        (str(folder / "model-1"), 3, 0),
        (str(folder / "model-2"), 0, 0),
        (str(folder / "model-2"), 1, 0),
    ]
    kept = json.loads((tmp_path / "kept.json").read_text())
    assert kept["task"] == "lm-eval:mine with 3 examples"
    assert kept["items"]["acc"]["numerators"] == "1110"
    assert main(["evaluate", *map(str, words)]) == 0
    assert "model-2, on the same items" in capsys.readouterr().out
