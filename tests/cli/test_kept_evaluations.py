"""From `gpt25 evaluate --output` to a paired test in `gpt25 compare`."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gpt25.cli.main import main
from gpt25.errors import CorruptFileError
from gpt25.evaluation import Measurement, difference_between, find_task, read_examples, score
from gpt25.evaluation.harness.lm_eval_tasks import HarnessResult, HarnessScore
from gpt25.evaluation.kept_items import fingerprint_of, items_as_json, items_from_json
from gpt25.evaluation.scoring.measurement import Sections
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.records import RunDirectory
from gpt25.storage import write_json, write_manifest
from gpt25.tokenizer import Tokenizer
from gpt25.weights import load_pretrained, save_pretrained

ENDINGS = ["and sat.", "or ran away.", "then.", "so it goes."]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run with one checkpoint, another model, and a set of sixty items."""
    tokenizer = Tokenizer.train(["any text"], vocabulary_size=257)
    shape = GPTConfiguration(
        block_size=64, vocabulary_size=257, number_of_layers=1, number_of_heads=2, number_of_embedding_dimensions=16
    )
    run = RunDirectory(tmp_path / "run")
    checkpoint = run.checkpoint_path(5)
    for seed, directory in ((1, checkpoint), (2, tmp_path / "other")):
        model = GPTModel(shape, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(10 if parameter.dim() == 2 else 1)
        directory.parent.mkdir(parents=True, exist_ok=True)
        save_pretrained(model, tokenizer, directory)
    write_json(checkpoint / "state.json", {"update": 5, "tokens": 640, "metrics": {"validation_loss": 5.0}})
    write_manifest(checkpoint)
    run.append_metrics({"update": 5, "tokens": 640, "elapsed_seconds": 3.0, "validation_loss": 5.0})
    rows = [{"ctx": f"{n} went out", "endings": ENDINGS[n % 4 :] + ENDINGS[: n % 4], "label": n % 3} for n in range(60)]
    (tmp_path / "set.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


def evaluate(folder: Path, model: Path, *words: object) -> None:
    task = ["--task", "hellaswag", "--data", folder / "set.jsonl", "--device", "cpu"]
    assert main(["evaluate", str(model), *map(str, [*task, *words])]) == 0


def test_a_run_and_another_model_are_tested_item_by_item(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluate(folder, folder / "run")
    evaluate(folder, folder / "other", "--output", folder / "other.json")
    page, capsys_before = folder / "c.html", capsys.readouterr()
    assert "Traceback" not in capsys_before.err
    words = [folder / "run", "--evaluations", folder / "other.json", "--output", page, "--json"]
    assert main(["compare", *map(str, words)]) == 0
    found = json.loads(capsys.readouterr().out)["comparisons"]
    assert [each["metric"] for each in found] == ["accuracy", "accuracy_norm"]
    examples = read_examples(find_task("hellaswag"), str(folder / "set.jsonl"))
    one, other = (score(find_task("hellaswag"), examples, *load_pretrained(folder / name)) for name in ("run", "other"))
    for each, first, second in zip(found, one, other, strict=True):
        expected = difference_between(first, second)
        assert each["difference"] == pytest.approx(expected.value)
        assert each["p_value"] == pytest.approx(expected.p_value)
        assert each["test"] == expected.test
        assert each["test"].startswith("McNemar, exact: ")
    shown = page.read_text(encoding="utf-8")
    assert "Is the difference real?" in shown
    assert f"run, update 5 minus {folder / 'other'}" in shown
    assert f"<th>{folder / 'other'}</th>" in shown  # in the table of scores as well


def test_a_task_of_the_harness_is_kept_too(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = HarnessResult([HarnessScore("acc", 0.4375, 0.05, "of the harness")])
    monkeypatch.setattr("gpt25.cli.harness_task.score_harness_task", lambda *_, **__: result)
    words = ["--task", "lm-eval:piqa", "--limit", "30", "--device", "cpu"]
    assert main(["evaluate", str(folder / "run"), *words]) == 0
    kept = folder / "run" / "evaluations" / "lm-eval-piqa-update-000005-first-30.json"
    content = json.loads(kept.read_text())
    assert (content["task"], content["metrics"], content["update"]) == ("lm-eval:piqa", {"acc": 0.4375}, 5)
    assert main(["evaluate", str(folder / "other"), *words, "--output", str(folder / "other.json")]) == 0
    page = folder / "page.html"
    assert (
        main(["compare", str(folder / "run"), "--evaluations", str(folder / "other.json"), "--output", str(page)]) == 0
    )
    capsys.readouterr()
    text = page.read_text(encoding="utf-8")
    assert text.count("0.4375") == 2
    assert "run, update 5, only the first 30" in text


def test_what_is_of_other_items_is_not_paired(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluate(folder, folder / "run")
    evaluate(folder, folder / "other", "--output", folder / "few.json", "--limit", 20)
    rows = (folder / "set.jsonl").read_text()
    (folder / "set.jsonl").write_text(rows.replace("went out", "came in"))
    evaluate(folder, folder / "other", "--output", folder / "changed.json")
    capsys.readouterr()
    for name in ("few.json", "changed.json"):
        words = [folder / "run", "--evaluations", folder / name, "--output", folder / "c.html", "--json"]
        assert main(["compare", *map(str, words)]) == 0
        assert json.loads(capsys.readouterr().out)["comparisons"] == []
        assert "Is the difference real?" not in (folder / "c.html").read_text(encoding="utf-8")


def test_files_that_are_no_evaluations_are_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad: dict[str, Any] = {"none.json": {"metrics": {}}, "bare.json": {"task": "hellaswag"}}
    for name, content in bad.items():
        write_json(folder / name, content)
        words = [folder / "run", "--evaluations", folder / name, "--output", folder / "c.html"]
        assert main(["compare", *map(str, words)]) == 2
        assert re.search(rf"{name} has no \w+\. It is not what `gpt25 evaluate` writes", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("numerators", "denominators", "scale"),
    [([1, 0, 0, 1], [1] * 4, "mean"), ([1] * 4, [1] * 4, "mean"), ([1.25, 3.5, 2.0, 0.1], [3, 5, 2, 1], "bits")],
)
def test_items_come_back_as_they_were(numerators: list[float], denominators: list[float], scale: Any) -> None:
    whole = Measurement("m", "how", np.array(numerators, float), np.array(denominators, float), scale=scale)
    content = json.loads(json.dumps({"items": items_as_json([whole]), "units": 4, "definitions": {"m": "how"}}))
    (again,) = items_from_json(content, source="x").values()
    assert (again.value, again.standard_error) == pytest.approx((whole.value, whole.standard_error))
    assert (again.definition, again.number_of_items) == ("how", 4)
    assert difference_between(whole, again).value == pytest.approx(0)


@pytest.mark.parametrize(
    "item", [{}, {"scale": "mean", "numerators": "012", "denominators": 1.0}, {"scale": "x", "numerators": "01"}, 3]
)
def test_items_that_cannot_be_are_refused(item: Any) -> None:
    with pytest.raises(CorruptFileError, match="some file does not hold the items of an evaluation: "):
        items_from_json({"items": {"m": item}, "units": 2}, source="some file")


def test_a_fingerprint_is_of_the_items_and_not_of_the_file(folder: Path) -> None:
    examples = read_examples(find_task("hellaswag"), str(folder / "set.jsonl"))
    moved = folder / "moved.jsonl"
    moved.write_text((folder / "set.jsonl").read_text() + "\n")
    assert fingerprint_of(examples) == fingerprint_of(read_examples(find_task("hellaswag"), str(moved)))
    moved.write_text((folder / "set.jsonl").read_text().replace("so it", "so It"))
    assert fingerprint_of(examples) != fingerprint_of(read_examples(find_task("hellaswag"), str(moved)))


def test_sections_come_back_as_they_were() -> None:
    sections = Sections("articles", np.array([1.5, 2.5, 3.0]), np.array([2.0, 2.0, 2.0]))
    whole = Measurement("m", "how", np.array([3.0, 4.0]), np.array([4.0, 2.0]), "exponential", sections=sections)
    content = json.loads(json.dumps({"items": items_as_json([whole]), "units": 2}))
    (again,) = items_from_json(content, source="x").values()
    assert again.sections is not None
    assert (again.sections.kind, again.sections.numerators.tolist()) == ("articles", [1.5, 2.5, 3.0])
    assert again.sections.denominators.tolist() == [2.0, 2.0, 2.0]


def test_a_file_of_several_tasks_is_compared_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluate(folder, folder / "run")
    evaluate(folder, folder / "other", "--output", folder / "other.json")
    one = json.loads((folder / "other.json").read_text())
    (folder / "several.json").write_text(json.dumps({"model": "other", "results": [one], "failed": {}}))
    capsys.readouterr()
    for name in ("other.json", "several.json"):
        words = [folder / "run", "--evaluations", folder / name, "--output", folder / "c.html", "--json"]
        assert main(["compare", *map(str, words)]) == 0
        found = json.loads(capsys.readouterr().out)["comparisons"]
        assert [each["metric"] for each in found] == ["accuracy", "accuracy_norm"]
