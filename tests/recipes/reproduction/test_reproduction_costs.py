"""The lines of a reproduction: what is waited for and what is not, and what is left of a run that has begun."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from gpt25.recipes import ReproductionSettings, load_recipe
from gpt25.recipes.planning.costs import Cost
from gpt25.recipes.planning.plan import Plan, plan
from gpt25.recipes.reproduction.arrival_plan import ArrivalPlan, plan_arrival
from gpt25.recipes.reproduction.reproduction_costs import reproduction_costs, scored_tokens
from gpt25.recipes.reproduction.what_it_takes import say_what_it_takes
from gpt25.records import RunDirectory
from gpt25.runtime import Ranks
from gpt25.training import TrainingConfiguration

MEASURED = {"bytes_before": 2.0, "bytes_per_shard": 10.0, "bytes_per_second": 1.0}


@pytest.mark.parametrize(
    ("groups", "opponent", "training", "waiting"),
    [
        ([3], 0, 100, 30),  # all before training
        ([3], 25, 100, 5),  # while the opponent is measured
        ([1, 1, 1], 0, 300, 10),  # then each arrives while the one before it is read
        ([1, 1, 1], 10, 300, 0),
        ([1, 1, 1], 0, 3, 10 + 9 + 9),  # training a shard takes 1 s, fetching it 10
        ([2, 1], 0, 30, 20),
    ],
)
def test_training_waits_for_a_group_only_as_long_as_it_is_not_there(
    groups: list[int], opponent: float, training: float, waiting: float
) -> None:
    found = plan_arrival(groups, **MEASURED, opponent_seconds=opponent, training_seconds=training)
    assert found == ArrivalPlan(before=2, waiting=pytest.approx(waiting))


def configured(settings: ReproductionSettings) -> TrainingConfiguration:
    recipe = load_recipe("gpt2_124m")
    data = dataclasses.replace(recipe.data, shards_per_group=settings.shards_per_group)
    track = dataclasses.replace(recipe.track, price_per_hour=settings.price_per_hour)
    hellaswag = dataclasses.replace(recipe.hellaswag, interval_in_updates=953)
    return dataclasses.replace(recipe, data=data, track=track, hellaswag=hellaswag)


def lines(gpus: int = 8, *, here: bool = False, **fields: Any) -> tuple[Plan, dict[str, Cost]]:
    settings = ReproductionSettings(price_per_hour=24.0, **fields)
    configuration = configured(settings)
    found = plan(configuration, gpus=gpus, gpu="h100")
    return found, {each.name: each for each in reproduction_costs(found, settings, configuration, data_is_here=here)}


def test_every_part_is_a_line_with_its_money_and_what_it_rests_on() -> None:
    found, costs = lines()
    assert list(costs) == [
        "set-up",
        "fetching",
        "waiting for shards",
        "scores of gpt2",
        "compilation",
        "training",
        "validation",
        "HellaSwag",
        "samples",
        "checkpoints",
        "scores of the result",
    ]
    assert costs["training"].hours == pytest.approx(found.hours)
    for each in costs.values():
        assert each.money == pytest.approx(each.hours * 24)
        assert each.assumption
    tokens = 10_485_760 + 10_042 * 400 + 5_153 * 100
    assert scored_tokens("fineweb") == scored_tokens("climbmix") == tokens
    assert costs["scores of gpt2"].hours == pytest.approx(tokens / 3 * 2 / found.tokens_per_second / 3600)
    assert costs["scores of gpt2"].hours == costs["scores of the result"].hours


def test_a_larger_opponent_takes_longer() -> None:
    _, small = lines()
    _, medium = lines(opponent="gpt2-medium")
    assert 2 < medium["scores of gpt2-medium"].hours / small["scores of gpt2"].hours < 4
    assert medium["fetching"].hours > small["fetching"].hours


def test_fetching_is_what_is_waited_for_and_its_speed_is_said() -> None:
    _, usual = lines()
    assert usual["fetching"].hours * 3600 == pytest.approx((124_439_808 * 4 + 200e6) / 50e6)
    assert "0.7 GB at 50 MB/s (--network-megabytes-per-second)" in usual["fetching"].assumption
    assert "10.2 GB more arrive while" in usual["waiting for shards"].assumption
    assert usual["waiting for shards"].assumption.endswith("5 shards before it does")
    _, together = lines(shards_per_group=None)
    opponent = usual["scores of gpt2"].hours
    assert together["waiting for shards"].hours == pytest.approx(51 * 200e6 / 50e6 / 3600 - opponent)
    assert together["waiting for shards"].assumption.endswith("all of them before it does")
    assert usual["waiting for shards"].hours < together["waiting for shards"].hours / 5
    _, slow = lines(network_megabytes_per_second=1.0)
    assert slow["waiting for shards"].hours > 10 * usual["waiting for shards"].hours
    _, here = lines(here=True)
    assert "waiting for shards" not in here
    assert here["fetching"].assumption.endswith("the shards are here")


def test_rows_are_no_faster_than_they_are_read() -> None:
    _, fast = lines(data_set="climbmix", network_megabytes_per_second=1000.0)
    assert "at the 65 MB/s that one core reads" in fast["fetching"].assumption
    assert "29.3 GB more arrive" in fast["waiting for shards"].assumption


def test_of_a_run_that_has_begun_what_is_left_is_said(tmp_path: Path, reporter: Any) -> None:
    settings = ReproductionSettings(price_per_hour=3.0, device="cpu")
    configuration, run = configured(settings), RunDirectory(tmp_path / "run")
    run.path.mkdir()
    for update in range(1, 4):
        row = {"update": update, "tokens": 524_288 * update, "training_loss": 9.0, "elapsed_seconds": 1.0 * update}
        run.append_metrics({**row, "tokens_per_second": 1_000_000.0})
    say_what_it_takes(run, settings, configuration, Ranks(), reporter, data_is_here=True)
    said = re.sub(r"\s+", " ", reporter.everything)
    assert "time and money, at 3 USD an hour:" in said
    hours = (5_000_134_656 - 3 * 524_288) / 1e6 / 3600
    assert f"training that is left: {hours:.2f} h, {3 * hours:.2f} USD; 4,998,561,792 of 5,000,134,656 tokens" in said
    assert "the median of this run's last updates" in said
    assert "together: 1.39 h, 4.17 USD; what fails and is repeated is not counted" in said
    assert max(len(line) for line in reporter.everything.splitlines() if line.startswith("  ")) <= 80


def test_of_a_new_one_on_a_processor_nothing_is_planned(tmp_path: Path, reporter: Any) -> None:
    settings = ReproductionSettings(device="cpu")
    say_what_it_takes(RunDirectory(tmp_path), settings, configured(settings), Ranks(), reporter, data_is_here=False)
    assert "time and money: not planned for a processor" in reporter.everything
    assert "fetch: 51 training shards and one for validation of fineweb10B (10.4 GB)" in reporter.everything
    assert "licence of the text: ODC-By 1.0, of FineWeb" in reporter.everything
