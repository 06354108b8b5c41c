"""Every line of a plan's hours and money, by hand."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.recipes import load_recipe
from gpt25.recipes.planning import costs
from gpt25.recipes.planning.costs import Cost, evaluation_cost, run_costs, total_hours, total_money
from gpt25.recipes.planning.hardware import Hardware
from gpt25.recipes.planning.plan import plan
from gpt25.training import TrainingConfiguration

MUON = load_recipe("gpt2_124m")
RENTED = Hardware("h100", 80 * 10**9, 500_000.0, "the table", False, "bfloat16", 72 * 10**9, True)
HERE = dataclasses.replace(RENTED, name="cpu", measured=True, compiles=False)


def changed(section: str, **fields: Any) -> TrainingConfiguration:
    return dataclasses.replace(MUON, **{section: dataclasses.replace(getattr(MUON, section), **fields)})


def seconds(configuration: TrainingConfiguration, hardware: Hardware = RENTED, gpus: int = 1) -> dict[str, float]:
    lines = run_costs(configuration, hardware, gpus=gpus, price_per_hour=None)
    assert all(line.assumption for line in lines)
    return {line.name: line.hours * 3600 for line in lines}


def test_every_line_by_hand() -> None:
    assert seconds(MUON) == pytest.approx(
        {
            "set-up": 330,
            "fetching": 52 * 200e6 / 50e6,  # 51 shards and one to validate on
            "compilation": 4 * 12 * 5,  # three lengths, and validation
            "training": 9_537 * 524_288 / 500_000,
            "validation": 39 * 10_485_760 / 3 / 500_000,  # after every 250 updates, and at the end
            "samples": 10 * 0.96,
            "checkpoints": 10 * (12 * 124_439_808 - 4 * 84_934_656) / 500e6,
        }
    )


def test_hellaswag_on_the_way_counts() -> None:
    found = seconds(changed("hellaswag", interval_in_updates=1000))
    assert found["HellaSwag"] == pytest.approx(10 * 10_042 * 400 * 2 / 3 / 500_000)
    few = seconds(changed("hellaswag", interval_in_updates=1000, limit=1000))
    assert few["HellaSwag"] == pytest.approx(10 * 1000 * 400 * 2 / 3 / 500_000)


def test_a_start_and_an_average_are_measured_and_saved_too() -> None:
    plain, more = seconds(MUON), seconds(changed("loop", record_start=True, average_last_fraction=0.1))
    assert more["validation"] == pytest.approx(plain["validation"] * 41 / 39)
    assert more["samples"] == pytest.approx(plain["samples"] * 11 / 10)
    assert more["checkpoints"] == pytest.approx(11 / 10 * plain["checkpoints"] + 11 * 4 * 124_439_808 / 500e6)


def test_eight_gpus_train_eight_times_as_fast_and_compile_a_block() -> None:
    alone, eight = seconds(MUON), seconds(MUON, gpus=8)
    assert eight["training"] == pytest.approx(alone["training"] / 8)
    assert eight["validation"] == pytest.approx(alone["validation"] / 8)
    assert eight["compilation"] == 4 * 5
    assert eight["fetching"] == alone["fetching"]


def test_what_is_here_is_neither_installed_nor_fetched(tmp_path: Path) -> None:
    assert set(seconds(MUON, HERE)) == {"set-up", "fetching", "training", "validation", "samples", "checkpoints"}
    assert seconds(MUON, HERE)["set-up"] == 30
    assert "fetching" not in seconds(changed("data", directory=str(tmp_path)), HERE)
    assert "fetching" not in seconds(changed("model", vocabulary_size=4096))


def test_sums_and_money() -> None:
    lines = run_costs(MUON, RENTED, gpus=1, price_per_hour=3.0)
    assert [line.money for line in lines] == [pytest.approx(3 * line.hours) for line in lines]
    assert total_money(lines) == pytest.approx(3 * total_hours(lines))
    assert total_money(run_costs(MUON, RENTED, gpus=1, price_per_hour=None)) is None
    scored = evaluation_cost("LAMBADA", 500_000, 500_000.0, 3.0)
    assert scored == Cost(
        "LAMBADA", 2 / 3 / 3600, 2 / 3600, "0.5 million tokens, a forward pass each at 50% of training's rate"
    )
    assert costs.download_cost("weights", 5e8, None).hours == pytest.approx(10 / 3600)


def test_a_plan_sums_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpt25.recipes.planning.hardware.choose_device", lambda name: torch.device("cpu"))
    found = plan(MUON, gpu="h100", price_per_hour=3.0)
    (training,) = (line for line in found.costs if line.name == "training")
    assert (training.hours, training.money) == (pytest.approx(found.hours), pytest.approx(found.money))
    assert found.total_hours == pytest.approx(sum(line.hours for line in found.costs))
    assert found.total_hours > found.hours
    assert found.total_money == pytest.approx(3 * found.total_hours)
