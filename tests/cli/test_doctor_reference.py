"""`gpt25 doctor --reference`: the facts are taken from this test's own model, for OpenAI's weights are not at hand."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.cli.main import main
from gpt25.generation import TextGenerator
from gpt25.model import PUBLISHED_CONFIGURATIONS, GPTConfiguration, GPTModel
from gpt25.references.openai_weights import OPENAI_WEIGHTS
from gpt25.references.published_weights import PublishedContinuation, PublishedWeights
from gpt25.tokenizer import Tokenizer
from gpt25.weights import load_pretrained, save_pretrained

SHAPE = GPTConfiguration(
    block_size=32, vocabulary_size=50257, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=8
)
PROMPT = "A prompt that is longer than one cell"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    model = GPTModel(SHAPE, generator=torch.Generator().manual_seed(5))
    save_pretrained(model, Tokenizer.gpt2(), tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Make the facts of gpt2 those of the model in a directory."""

    def take(directory: Path) -> None:
        model, tokenizer = load_pretrained(directory)
        (sample,) = TextGenerator(model, tokenizer).generate(PROMPT, max_new_tokens=5, temperature=0)
        facts = PublishedWeights(
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            first_position_values=tuple(model.transformer.word_positional_embeddings.weight.flatten()[:20].tolist()),
            first_position_values_source="this test",
            continuations=(PublishedContinuation(PROMPT, sample.text, "this test", sample.token_ids),),
        )
        monkeypatch.setitem(OPENAI_WEIGHTS, "gpt2", facts)
        monkeypatch.setitem(PUBLISHED_CONFIGURATIONS, "gpt2", model.configuration)

    return take


def test_a_directory_that_is_what_it_claims(
    directory: Path, publish: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    publish(directory)
    assert main(["doctor", "--reference", str(directory)]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0] == f"{directory} beside OpenAI's gpt2"
    assert lines[1].split() == ["check", "published", "here"]
    assert sum(line.endswith("as published") for line in lines) == 5
    assert lines[-1] == f"{directory} is OpenAI's gpt2: all 5 checks agree."
    assert all(len(line) <= 80 for line in lines[1:-1])


def test_what_differs_is_named_and_shown_in_full(
    directory: Path, publish: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(directory)
    model, tokenizer = load_pretrained(directory)
    with torch.no_grad():
        model.transformer.word_positional_embeddings.weight[0, 3] += 0.0123
    save_pretrained(model, tokenizer, tmp_path / "changed")
    assert main(["doctor", "--reference", str(tmp_path / "changed")]) == 2
    captured = capsys.readouterr()
    assert [line.split()[0] for line in captured.out.splitlines() if line.endswith("differs")] == ["first"]
    assert "\nfirst 20 of wpe\n  published  " in captured.out
    assert "\n  here       value 4 is " in captured.out
    assert captured.err.splitlines()[-1].endswith(
        "changed is not OpenAI's gpt2: 1 of 5 checks differ (first 20 of wpe). Fetch it again, or see whether it is a "
        "fine-tuned or another model."
    )


def test_json_holds_every_check_also_when_one_differs(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A small model beside the real facts of gpt2: whatever is smaller than the smallest is compared with that."""
    assert main(["doctor", "--reference", str(directory), "--json"]) == 2
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert (told["model"], told["reference"]) == (str(directory), "gpt2")
    assert told["passed"] is False
    assert told["numbers_checked"] is True
    checks = {check["name"]: check for check in told["checks"]}
    assert checks["parameters"]["expected"] == "124,439,808"
    assert checks["tokenizer"]["passed"] is True
    assert checks["first 20 of wpe"]["passed"] is False
    assert checks["after 'The dog'"]["expected"].startswith("' was found in a field near the intersection")
    assert len(checks) == 4 + 8  # two of the nine continuations have the same prompt
    assert "checks differ" in captured.err.splitlines()[-1]


def test_where_no_numbers_were_published_that_is_said(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model, _ = load_pretrained(directory)
    count = sum(parameter.numel() for parameter in model.parameters())
    monkeypatch.setitem(OPENAI_WEIGHTS, "gpt2", PublishedWeights(parameters=count))
    monkeypatch.setitem(PUBLISHED_CONFIGURATIONS, "gpt2", SHAPE)
    assert main(["doctor", "--reference", str(directory)]) == 0
    assert (
        capsys.readouterr()
        .out.splitlines()[-1]
        .endswith(
            "has the shape of OpenAI's gpt2 (3 checks agree). Whether the weights are OpenAI's is open: none of them "
            "were published."
        )
    )


def test_weights_that_cannot_be_had_are_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    assert main(["doctor", "--reference", "gpt2"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: cannot get config.json of openai-community/gpt2 from the Hub: ")
    assert captured.err.count("\n") == 1


PROGRAM = """
import json, sys
from gpt25.cli.main import main
from gpt25.model import PUBLISHED_CONFIGURATIONS, GPTConfiguration
from gpt25.references.openai_weights import OPENAI_WEIGHTS
from gpt25.references.published_weights import PublishedWeights
facts = json.loads(sys.argv[1])
PUBLISHED_CONFIGURATIONS["gpt2"] = GPTConfiguration(**facts["shape"])
OPENAI_WEIGHTS["gpt2"] = PublishedWeights(facts["parameters"], tuple(facts["positions"]), "this test")
sys.exit(main(["doctor", "--reference", sys.argv[2], "--json"]))
"""


@pytest.mark.parametrize(("word", "shift", "code"), [("gpt2", 0.0, 0), ("gpt2@main", 0.001, 2)])
def test_weights_from_the_hub(
    directory: Path, tmp_path: Path, serve_hub: Callable[..., Any], word: str, shift: float, code: int
) -> None:
    model, _ = load_pretrained(directory)
    facts = {
        "shape": dataclasses.asdict(SHAPE),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "positions": [x + shift for x in model.transformer.word_positional_embeddings.weight.flatten()[:20].tolist()],
    }
    directory.rename(directory.with_name("gpt2"))
    with serve_hub(tmp_path) as (endpoint, requests):
        variables = {"HF_HOME": str(tmp_path / "home"), "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0"}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps(facts), word],
            env=os.environ | variables | {"HF_HUB_DISABLE_XET": "1"},
            cwd=tmp_path / "..",
            capture_output=True,
            text=True,
        )
    assert done.returncode == code, done.stderr
    told = json.loads(done.stdout)
    assert (told["model"], told["reference"]) == (word, "gpt2")
    failed = [check["name"] for check in told["checks"] if not check["passed"]]
    assert failed == (["first 20 of wpe"] if shift else [])
    assert any("/openai-community/gpt2/resolve/" in request for request in requests)
