"""A loss is projected from the one published run, of runs like it alone, and as a range."""

import dataclasses
from typing import Any

import pytest

from gpt25.recipes import load_recipe
from gpt25.recipes.planning.projection import project
from gpt25.references.published_curve import LLM_C_124M
from gpt25.training import TrainingConfiguration

ADAMW = load_recipe("gpt2_124m_adamw")


def changed(section: str, **fields: Any) -> TrainingConfiguration:
    return dataclasses.replace(ADAMW, **{section: dataclasses.replace(getattr(ADAMW, section), **fields)})


def test_the_baseline_ends_where_runs_like_it_ended() -> None:
    found = project(ADAMW, 1e6)
    assert found.loss == (3.27, 3.29)
    assert found.basis.startswith("where llm.c's 124M with AdamW on FineWeb and runs like it ended (modded-nanogpt, ")
    small, *larger = found.crossings
    assert small.model == "gpt2"
    assert small.tokens is not None
    # 2,753M x (10,260 / 2,753) ^ (0.115 / 0.27), and ^ (0.135 / 0.27)
    assert small.tokens == (pytest.approx(4.83e9, rel=0.01), pytest.approx(5.32e9, rel=0.01))
    assert small.hours == (pytest.approx(small.tokens[0] / 3.6e9), pytest.approx(small.tokens[1] / 3.6e9))
    assert [line.tokens for line in larger] == [None, None, None]


def test_muon_s_loss_is_not_read_off_adamw_s_track() -> None:
    found = project(load_recipe("gpt2_124m"), 1e6)
    assert (found.loss, found.crossings) == (None, [])
    assert found.basis.startswith("none: the published curve is of llm.c's 124M with AdamW on FineWeb, 10 billion")
    assert "this run has the optimizer muon, 5 billion tokens. Small copies with Muon took 0.29 to 0.47" in found.basis


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (load_recipe("gpt2_medium"), "another shape, 31.5 billion tokens."),
        (changed("loop", number_of_updates=9_537), "5 billion tokens."),
        (changed("batch", tokens_per_update=262_144), "5 billion tokens, updates of 262,144 tokens."),
        (
            changed("batch", smaller_updates=((0.01, 262_144),)),
            "updates of 262,144 tokens up to update 191, then 524,288.",
        ),
        (changed("track", data_set="fineweb-edu"), "another text (fineweb-edu)."),
        (changed("data", directory=None, texts=("a.txt",)), "texts of its own."),
        (changed("start", model="gpt2"), "weights to start from (gpt2)."),
    ],
)
def test_what_differs_is_named(other: TrainingConfiguration, said: str) -> None:
    found = project(other, 1e6)
    assert (found.loss, found.crossings) == (None, [])
    assert found.basis.endswith(f"this run has {said}")


def test_the_recipes_tracks_are_this_curve_and_a_quarter() -> None:
    for name in ("gpt2_124m", "gpt2_124m_adamw", "laptop_8gb"):
        track = load_recipe(name).track.loss_at_most
        assert [(tokens, round(loss - 0.25, 2)) for tokens, loss in track] == list(LLM_C_124M.points)
