import dataclasses
import math
from typing import Any

import pytest

from gpt25.recipes import load_recipe
from gpt25.recipes.hooks.loss_track import LossTrack, expected_at_most
from gpt25.training import TrackConfiguration, TrainingConfiguration

POINTS = ((100.0, 6.0), (400.0, 5.0), (1600.0, 3.0))


def sentences(losses: list[float], track: TrackConfiguration | None = None, *, millions: float = 1.0) -> dict[int, str]:
    """What is said after which update of a run with these losses, each update reading some million tokens."""
    configuration = dataclasses.replace(TrainingConfiguration(), track=track or TrackConfiguration())
    watching = LossTrack(configuration)
    said = {}
    for update, loss in enumerate(losses, start=1):
        row: dict[str, Any] = {"update": update, "tokens": int(update * millions * 1e6), "training_loss": loss}
        sentence = watching.observe({**row, "learning_rate": 6e-4, "gradient_norm": 0.5})
        if sentence is not None:
            said[update] = sentence
    return said


@pytest.mark.parametrize(
    ("millions", "loss"),
    [(99, None), (100, 6.0), (200, 5.5), (400, 5.0), (800, 4.0), (1600, 3.0), (5000, 3.0)],
)
def test_the_line_is_straight_over_the_logarithm(millions: float, loss: float | None) -> None:
    expected = expected_at_most(POINTS, millions)
    assert expected == loss if loss is None else expected == pytest.approx(loss)
    assert expected_at_most((), millions) is None


def test_a_plateau_is_told_once_with_its_usual_causes() -> None:
    said = sentences([7.6] * 300, TrackConfiguration(loss_at_most=POINTS))
    assert said == {
        100: "after update 100 (100M tokens) the loss is 7.60; the recipe expects at most 6.00 by now. Usual causes: "
        "batch.tokens_per_update (524,288) was changed and the rates were not (change batch.micro_batch_rows instead, "
        "on which only memory depends), another learning rate or warm-up, data of another kind or language, data that "
        "a wrong tokenizer made."
    }


def test_a_run_that_comes_back_is_told_too() -> None:
    said = sentences([7.0] * 110 + [4.0] * 30, TrackConfiguration(loss_at_most=POINTS))
    assert list(said) == [100, 118]
    assert said[118] == "the loss is back on its track: 5.80 after update 118"


def test_a_rise_is_told_for_every_recipe() -> None:
    said = sentences([3.0] * 40 + [5.0] * 40)
    assert list(said) == [51]
    assert said[51].startswith(
        "after update 51 (51M tokens) the loss is 4.10, up from 3.00, with a gradient norm of 0.5"
    )
    assert "a learning rate too high for this batch (it is 0.0006 now)" in said[51]


def test_a_loss_too_good_to_be_true_is_told() -> None:
    said = sentences([4.0] * 30 + [1.0] * 30, TrackConfiguration(loss_at_least=2.5))
    assert list(said) == [41]
    assert "below the 2.50 that such a model can reach on such text. Usual causes: too little text, read" in said[41]


def test_noise_single_spikes_and_what_is_not_finite_say_nothing() -> None:
    noisy = [3.5 + 0.3 * math.sin(7 * update) for update in range(200)]
    noisy[60], noisy[90], noisy[120] = 12.0, math.nan, math.inf
    assert sentences(noisy) == {}


@pytest.mark.parametrize("name", ["gpt2_124m_adamw", "gpt2_124m", "gpt2_medium", "gpt2_large", "gpt2_xl", "laptop_8gb"])
def test_a_recipe_expects_what_its_baseline_did_and_not_a_plateau(name: str) -> None:
    track = load_recipe(name).track
    for millions, loss in (
        (1310, 3.86),
        (2753, 3.54),
        (10_260, 3.27),
    ):  # llm.c's 124M on FineWeb; 3.86 between two of them
        limit = expected_at_most(track.loss_at_most, millions)
        assert limit is not None
        assert loss < limit < loss + 0.7
    assert track.loss_at_least is not None
    assert 1.5 < track.loss_at_least < 2.8
