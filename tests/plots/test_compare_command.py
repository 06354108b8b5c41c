"""`gpt25 compare`: runs beside one another and beside published figures, in one page."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gpt25.cli.commands import compare
from gpt25.cli.main import main
from gpt25.data import PUBLIC_SETS
from gpt25.data.sources.hub_address import NAMED_SETS
from gpt25.plots.measures.data_set import data_set_of
from gpt25.records import RunDirectory

if TYPE_CHECKING:
    from conftest import MakeRun

GPT2_RECIPE = """title = "GPT-2 124M"
[model]
vocabulary_size = 50257
[optimizer]
name = "{name}"
"""


def gpt2_run(make_run: "MakeRun", name: str, **options: float) -> RunDirectory:
    run = make_run(name, **options)
    run.recipe_path.write_text(GPT2_RECIPE.format(name=name))
    return run


@pytest.mark.parametrize("name", ["fineweb", "fineweb-edu", "fineweb10B", "finewebedu10B"])
def test_every_set_that_the_data_commands_know_by_name_is_recognised(name: str, tmp_path: Path) -> None:
    pretokenized = PUBLIC_SETS.get(name)
    source = f"{pretokenized.repository}/shard.bin" if pretokenized else NAMED_SETS[name]
    run = RunDirectory(tmp_path)
    run.data_path.mkdir()
    (run.data_path / "index.json").write_text(json.dumps({"sources": [source]}))
    assert data_set_of(run) == ("fineweb-edu" if "edu" in name else "fineweb")


def test_shards_in_parts_are_recognised_and_told_apart(
    make_run: "MakeRun", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [gpt2_run(make_run, name) for name in ("first", "second")]
    for run, last in zip(runs, ("22", "33"), strict=True):
        for part, sha256 in ((1, "11" * 32), (2, last * 32)):
            folder = run.data_path / f"part-{part:05d}-of-00002"
            folder.mkdir(parents=True)
            content = {"sources": [NAMED_SETS["fineweb"]], "validation": {"shards": [{"sha256": sha256}]}}
            (folder / "index.json").write_text(json.dumps(content))
    assert data_set_of(runs[0]) == "fineweb"
    words = ["compare", *(str(run.path) for run in runs), "--output", str(tmp_path / "x.html")]
    assert main(words) == 2
    assert "they are validated on different tokens" in capsys.readouterr().err


def test_several_runs_in_words_and_figures(
    make_run: "MakeRun", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [gpt2_run(make_run, "muon", final_loss=3.1), gpt2_run(make_run, "adamw", final_loss=3.5)]
    evaluation = {"task": "hellaswag", "limit": None, "update": 600, "metrics": {"accuracy_norm": 0.301}}
    runs[0].write_evaluation({**evaluation, "standard_errors": {"accuracy_norm": 0.0046}})
    page = tmp_path / "both.html"
    words = ["--output", str(page), "--data-set", "fineweb", "--price-per-hour", "36", "--json"]
    assert main(["compare", *(str(run.path) for run in runs), *words]) == 0
    content = json.loads(capsys.readouterr().out)
    crossing, accuracy = content["runs"][0]["crossings"]
    assert (accuracy["measure"], accuracy["level"]) == ("hellaswag_accuracy_norm", 0.294463)
    assert content["runs"][1]["crossings"] == []
    assert crossing["money"] == pytest.approx(crossing["seconds"] * 0.01)
    source = page.read_text(encoding="utf-8")
    for said in (
        "muon crosses GPT-2 124M (3.42496) at ",
        "adamw stays above GPT-2 124M (3.42496)",
        "muon is above GPT-2 124M on HellaSwag (0.294463) at 9.83 million tokens, 9 min 42 s, 5.82 USD, its first",
        "muon stays below GPT-3 125M on HellaSwag (0.337): its last score is 0.3010.",
        "muon: 36 USD an hour; adamw: 36 USD an hour; only the time of training",
        "GPT-3 125M 0.337",
        "hellaswag",
        "0.0046",
        "<th>optimizer.name</th><td>muon</td><td>adamw</td>",
    ):
        assert said in source
    assert "default-src 'none'" in source
    assert "<script" not in source
    assert not re.search(r"https?://|@import|url\((?!#)", source)
    assert page.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_no_line_where_the_set_is_unknown(make_run: "MakeRun", capsys: pytest.CaptureFixture[str]) -> None:
    run = gpt2_run(make_run, "mine")
    assert main(["compare", str(run.path), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["data_set"] is None
    assert content["runs"][0]["crossings"] == []
    assert "GPT-2 124M (" not in run.report_path.read_text(encoding="utf-8")


def test_the_index_of_the_shards_names_the_set(make_run: "MakeRun", capsys: pytest.CaptureFixture[str]) -> None:
    run = gpt2_run(make_run, "mine")
    run.data_path.mkdir()
    (run.data_path / "index.json").write_text('{"sources": ["HuggingFaceFW/fineweb-edu/sample-10BT"]}')
    assert main(["compare", str(run.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data_set"] == "fineweb-edu"
    assert main(["compare", str(run.path), "--data-set", "fineweb"]) == 2
    assert "--data-set is fineweb, but the shards of mine were made of fineweb-edu." in capsys.readouterr().err


def test_what_cannot_be_compared_says_why(
    make_run: "MakeRun", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = gpt2_run(make_run, "first"), gpt2_run(make_run, "second")
    second.recipe_path.write_text("[model]\nvocabulary_size = 4096\n")
    assert main(["compare", str(first.path), str(second.path), "--output", str(tmp_path / "x.html")]) == 2
    error = capsys.readouterr().err
    assert "these runs cannot be compared: they have vocabularies of different sizes" in error
    assert "(first: 50,257 tokens; second: 4,096 tokens)" in error
    assert main(["compare", str(second.path), "--data-set", "fineweb"]) == 2
    assert "a run has a vocabulary of 4,096" in capsys.readouterr().err
    second.recipe_path.write_text(first.recipe_path.read_text())
    for run, name in ((first, "fineweb"), (second, "fineweb-edu")):
        run.data_path.mkdir()
        (run.data_path / "index.json").write_text(json.dumps({"sources": [f"HuggingFaceFW/{name}"]}))
    assert main(["compare", str(first.path), str(second.path), "--output", str(tmp_path / "x.html")]) == 2
    assert "they were trained on different sets (first: fineweb, second: fineweb-edu)" in capsys.readouterr().err


def test_what_is_no_run_or_has_no_losses_is_refused(
    tmp_path: Path, make_run: "MakeRun", capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "nowhere"]) == 2
    assert "there is no directory nowhere" in capsys.readouterr().err
    run = make_run("young", updates=20)
    assert main(["compare", str(run.path)]) == 2
    assert "young has no validation loss yet." in capsys.readouterr().err
    assert main(["compare", str(run.path), str(run.path)]) == 2
    assert "a run is named twice" in capsys.readouterr().err
    assert main(["compare", str(run.path), "--price-per-hour", "0"]) == 2
    assert "--price-per-hour is 0; it must be above 0." in capsys.readouterr().err


def test_a_torn_last_line_is_left_out(make_run: "MakeRun", capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run()
    with run.metrics_path.open("a") as file:
        file.write('{"update": 601, "tok')
    assert main(["compare", str(run.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["finished"]


def test_following_draws_until_the_run_is_finished(
    make_run: "MakeRun", capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    summary = run.summary_path.read_text()
    run.summary_path.unlink()
    pages = []

    def sleep(seconds: float) -> None:
        pages.append(run.report_path.read_text(encoding="utf-8"))
        run.summary_path.write_text(summary)

    monkeypatch.setattr(compare.time, "sleep", sleep)
    assert main(["compare", str(run.path), "--follow"]) == 0
    assert len(pages) == 1
    assert "location.reload()" in pages[0]
    assert "script-src 'sha256-" in pages[0]
    assert "<script" not in run.report_path.read_text(encoding="utf-8")
    assert "is drawn anew every 5 s; Ctrl-C ends that." in capsys.readouterr().out


def test_control_c_ends_following_with_a_page_that_rests(make_run: "MakeRun", monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run()
    run.summary_path.unlink()

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(compare.time, "sleep", interrupt)
    young = make_run("young", updates=20)
    young.summary_path.unlink()
    assert main(["compare", str(young.path), "--follow"]) == 0  # also before the first validation
    assert main(["compare", str(run.path), "--follow"]) == 0
    assert "<script" not in run.report_path.read_text(encoding="utf-8")


def test_money_in_another_currency(make_run: "MakeRun", capsys: pytest.CaptureFixture[str]) -> None:
    run = gpt2_run(make_run, "muon", final_loss=3.1)
    words = ["compare", str(run.path), "--data-set", "fineweb", "--price-per-hour", "36", "--currency", "EUR"]
    assert main(words) == 0
    assert " EUR." in capsys.readouterr().out.replace("\n", " ")
    assert "muon: 36 EUR an hour; only" in run.report_path.read_text(encoding="utf-8")
    assert main([*words[:4], "--currency", "EUR"]) == 2
    assert "--currency is EUR without a price in it: give --price-per-hour too." in capsys.readouterr().err
