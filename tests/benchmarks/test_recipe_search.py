"""The search for a recipe and the fit over sizes, on made text and made figures."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gpt25.data import prepare, standard_library_documents
from gpt25.recipes.run.vocabulary import learn_vocabulary

PLAN = """
[defaults]
shape = "1x64"
tokens = 1024
tokens_per_update = 512
seeds = [1]

[defaults.changes.gpt2_124m]
"optimizer.peak_learning_rate" = 0.02

[[run]]
name = "baseline"
recipe = "gpt2_124m_adamw"

[[run]]
name = "baseline"
recipe = "gpt2_124m_adamw"
tokens = 2048

[[run]]
name = "half the tokens"
recipe = "gpt2_124m"
tokens = 1024
seeds = [1, 2]
changes = { "batch.short_sequences" = [[0.5, 64]] }
"""


def test_two_processes_do_every_run_of_a_plan_once(scripts: Any, tmp_path: Path) -> None:
    documents = list(standard_library_documents())[:60]
    tokenizer = learn_vocabulary(documents, vocabulary_size=300, validation_fraction=0.2)
    prepare(documents, tokenizer, tmp_path / "data", validation_fraction=0.2)
    (tmp_path / "plan.toml").write_text(PLAN)
    arguments = [
        f"--{key}={tmp_path / name}" for key, name in [("data", "data"), ("output", "o.jsonl"), ("plan", "plan.toml")]
    ]
    both = [scripts.start("recipe_search", *arguments) for _ in range(2)]
    outputs = [scripts.printed(process) for process in both]
    rows = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    done = sorted((row["name"], row["tokens"], row["changes"]["loop.seed"]) for row in rows)
    assert done == [
        ("baseline", 1024, 1),
        ("baseline", 2048, 1),
        ("half the tokens", 1024, 1),
        ("half the tokens", 1024, 2),
    ]
    assert len({row["key"] for row in rows}) == 4
    by_seed = {row["changes"]["loop.seed"]: row["loss"] for row in rows if row["recipe"] == "gpt2_124m"}
    assert by_seed[1] != by_seed[2]
    assert all(3 < row["loss"] < 7 and row["operations"] > 6e4 * row["tokens"] for row in rows)
    before = (tmp_path / "o.jsonl").read_bytes()
    table = scripts.run("recipe_search", *arguments)
    assert (tmp_path / "o.jsonl").read_bytes() == before
    assert re.search(r" of 2\) .* 1,024 .*half the tokens\n", table)
    assert sum(len(re.findall("^20..-", output, re.MULTILINE)) for output in outputs) == 4


def test_the_fit_finds_the_law_that_made_the_figures(scripts: Any, tmp_path: Path) -> None:
    rows = []
    for parameters in (4e5, 1e6, 3e6, 9e6):
        for tokens in (1e6, 4e6, 16e6):
            for recipe, by_tokens, beta in [("gpt2_124m_adamw", 300, 0.37), ("gpt2_124m", 150, 0.36)]:
                rows.append(
                    {
                        "recipe": recipe,
                        "name": "any",
                        "shape": f"{parameters:g}",
                        "parameters": int(parameters),
                        "tokens": int(tokens),
                        "operations": 6 * parameters * tokens,
                        "loss": 1.0,
                        "bits_per_byte": 0.6 + 8 * parameters**-0.2 + by_tokens * tokens**-beta,
                    }
                )
    (tmp_path / "runs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    picture = tmp_path / "scaling.png"
    report = scripts.run("scaling", str(tmp_path / "runs.jsonl"), "--output", str(picture))
    found = re.search(r"all sizes: ([\d.]+) ([\d.]+) +([\d.]+)B +E ([\d.]+), alpha ([\d.]+), beta ([\d.]+) and", report)
    assert found is not None
    baseline, ours, equal, _, alpha, beta = map(float, found.groups())
    parameters, tokens, own_tokens = 124_439_808, 19_073 * 524_288, 9_537 * 524_288
    capacity = 0.6 + 8 * parameters**-0.2
    assert baseline == pytest.approx(capacity + 300 * tokens**-0.37, abs=0.02)
    assert ours == pytest.approx(capacity + 150 * own_tokens**-0.36, abs=0.02)
    assert equal * 1e9 == pytest.approx((300 / (150 * own_tokens**-0.36)) ** (1 / 0.37), rel=0.1)
    assert (alpha, beta) == pytest.approx((0.2, 0.37), abs=0.05)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_picture_is_as_wide_as_what_was_measured(importable_benchmarks: None) -> None:
    import scaling

    points = [
        scaling.Point(recipe, f"{size:g}", size, tokens, 6 * size * tokens, loss, 1)
        for recipe, loss in ((scaling.BASELINE, 2.1), (scaling.OURS, 2.0))
        for size in (4e5, 3e6)
        for tokens in (1e6, 4e6)
    ]
    tokens_of, beta = dict.fromkeys(scaling.NAMES, 9.0), dict.fromkeys(scaling.NAMES, 0.1)
    fits = [(name, scaling.Fit(0.5, 3.0, 0.1, tokens_of, beta, 0.01)) for name in ("all sizes", "with E = 0")]
    figure = scaling.picture(points, fits)
    figure.draw_without_rendering()
    measured, projected = figure.get_axes()
    low, high = measured.get_xlim()
    operations = [point.operations for point in points]
    assert min(operations) / low < 2
    assert high / max(operations) < 2
    assert [label.get_text() for label in projected.get_xticklabels()] == ["all sizes", "with E = 0"]
    assert measured.get_title(loc="left") == "Measured"
    assert figure.subfigs[0].get_suptitle().startswith("Lower is better. Left: at every size ours ends lower")
