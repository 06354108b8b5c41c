"""Lessons get OpenAI's model where it can be had, and else a small one that is trained once."""

import sys
from pathlib import Path
from typing import Any

import pytest

from gpt25.inspection import overall_roughness, positional_embeddings
from gpt25.model import GPTConfiguration
from gpt25.recipes import load_recipe, model_at_hand
from gpt25.records import RunDirectory
from gpt25.weights import load_pretrained

module = sys.modules["gpt25.recipes.model_at_hand"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, documents: list[Any]) -> list[float]:
    """The quickstart on a few documents; the minutes that it was asked for."""
    asked, quickstart, packaged = [], module.quickstart, load_recipe("quickstart")
    shape = GPTConfiguration(
        block_size=32, vocabulary_size=320, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=32
    )

    def smaller(name: str) -> Any:
        changed = {"model": shape}
        for section, values in {
            "data": {"validation_tokens": 320},
            "batch": {"tokens_per_update": 128},
            "loop": {"device": "cpu", "precision": "float32"},
        }.items():
            changed[section] = module.dataclasses.replace(getattr(packaged, section), **values)
        return module.dataclasses.replace(packaged, **changed)

    def asks(run_path: str, *, minutes: float, **others: Any) -> Any:
        asked.append(minutes)
        return quickstart(run_path, minutes=0.001, documents=documents, **others)

    monkeypatch.setattr(sys.modules["gpt25.recipes.quickstart"], "seconds_per_update", lambda *_, **__: 1.0)
    monkeypatch.setattr(module, "load_recipe", smaller)
    monkeypatch.setattr(module, "quickstart", asks)
    return asked


def test_what_the_hub_or_its_cache_has_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "resolve_model", lambda word: tmp_path)
    said: list[str] = []
    assert model_at_hand(tmp_path / "run", say=said.append) == "gpt2"
    assert said == ["the model is OpenAI's gpt2"]
    assert not (tmp_path / "run").exists()


def test_without_a_network_a_small_model_is_trained_once(tmp_path: Path, quick: list[float]) -> None:
    said: list[str] = []
    word = model_at_hand(tmp_path / "run", say=said.append, minutes=2)
    assert word == str(tmp_path / "run")
    assert "OpenAI's gpt2 is not at hand: cannot get config.json of openai-community/gpt2" in said[0]
    assert said[1] == f"a small GPT-2 is trained here instead, for 2 minutes, once; it stays in {word}"
    assert said[-1].startswith(f"the model is the small GPT-2 of {word}: 36,736 parameters, trained on ")
    assert model_at_hand(word, say=said.append, published=None) == word
    assert quick == [2], "it was trained again"
    assert said[-1] == said[-2]


def test_its_beginning_and_its_way_are_kept(tmp_path: Path, quick: list[float]) -> None:
    run = RunDirectory(model_at_hand(tmp_path / "run", say=lambda _: None, published=None))
    updates = [checkpoint.update for checkpoint in run.checkpoints()]
    assert updates == list(range(11)), "of ten updates, the fewest that a run has, all are kept"
    first, _ = load_pretrained(run.checkpoints()[0].path)
    assert 0.7 < overall_roughness(positional_embeddings(first)) < 1.3, "it begins with noise"


@pytest.mark.parametrize("number_of_updates", [14, 97])
def test_its_beginning_is_kept_where_intervals_are_rounded(
    number_of_updates: int, tmp_path: Path, quick: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 14 updates every one is a checkpoint; of 97 one stands between two tens, where the rate begins to fall."""
    seconds = 0.001 * 60 / number_of_updates
    monkeypatch.setattr(sys.modules["gpt25.recipes.quickstart"], "seconds_per_update", lambda *_, **__: seconds)
    run = RunDirectory(model_at_hand(tmp_path / "run", say=lambda _: None, published=None))
    updates = [checkpoint.update for checkpoint in run.checkpoints()]
    assert updates[0] == 0
    assert updates[-1] == number_of_updates
    assert len(updates) > 10


def test_long_work_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 1.0, 21.0, 21.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    said: list[str] = []
    with module._Lines(said.append).progress("training", 900, "updates") as progress:
        progress.advance(5, loss=4.0)
        progress.advance(5, loss=3.5)
    assert said == ["  training: 10 of 900 updates, loss 3.500"]
