"""The arithmetic of many GPUs, by hand and at its limits, and the page that is made of it."""

import dataclasses
import importlib.util
import math
from pathlib import Path

import pytest

from gpt25.recipes import load_recipe
from gpt25.recipes.planning import scaling

ROOT = Path(__file__).parents[3]


def test_a_ring_sends_twice_the_bytes_less_one_part() -> None:
    assert scaling.all_reduce_seconds(1e9, 1) == 0
    two = scaling.all_reduce_seconds(360e9, 2) - math.ceil(360e9 / 26_214_400) * 2 * 5e-6
    assert two == pytest.approx(1.0)  # 2 x 1/2 x 360 GB at 0.8 x 450 GB/s
    many = scaling.all_reduce_seconds(320e9, 64) - math.ceil(320e9 / 26_214_400) * 12 * 5e-6
    assert many == pytest.approx(2 * 63 / 64)  # at 0.8 x 8 x 50 GB/s


def test_the_critical_batch_is_the_papers() -> None:
    assert scaling.critical_batch_tokens(1.0) == 2.1e8
    assert scaling.critical_batch_tokens(3.28) == pytest.approx(0.735e6, rel=0.01)


def test_muons_rounds_by_hand() -> None:
    """124M on eight GPUs: of 24 oblong matrices three each, of 48 square ones six; the first travel behind the second.

    A square one has five steps of 4 x 768³ + 2 x 768³ operations, an oblong one of 16 x 768³ + 2 x 768³.
    """
    recipe, cube, rate = load_recipe("gpt2_124m"), 768**3, 1e14
    alone = scaling.muon_seconds(recipe, 1, rate)
    assert alone == pytest.approx(12 * (4 * 30 + 2 * 90) * cube / rate)
    assert scaling.muon_bytes(recipe, 1) == 0
    assert scaling.muon_bytes(recipe, 8) == 2 * 84_934_656 * 7 / 8
    large, square = 3 * 90 * cube / rate, 6 * 30 * cube / rate
    travel = [scaling.all_reduce_seconds(2 * number * 768**2, 8) / 2 for number in (24 * 4, 48)]
    assert travel[0] < square
    assert scaling.muon_seconds(recipe, 8, rate) == pytest.approx(large + square + travel[1])
    # Behind next to no computation, everything travels one after the other.
    assert scaling.muon_seconds(recipe, 8, 1e30) == pytest.approx(sum(travel))
    assert scaling.muon_seconds(recipe, 64, rate) == scaling.muon_seconds(recipe, 8, rate)  # each node by itself


def test_muon_that_does_not_share_sends_nothing() -> None:
    recipe = load_recipe("gpt2_124m")
    alone = dataclasses.replace(recipe, speed=dataclasses.replace(recipe.speed, share_orthogonalisation=False))
    assert scaling.muon_bytes(alone, 8) == scaling.muon_bytes(load_recipe("gpt2_124m_adamw"), 8) == 0
    assert scaling.muon_seconds(alone, 8, 1e14) == scaling.muon_seconds(recipe, 1, 1e14)
    assert scaling.update_time(alone, 8).optimizer > scaling.update_time(recipe, 8).optimizer


def test_an_update_of_the_124m_on_one_gpu_and_on_eight() -> None:
    recipe = load_recipe("gpt2_124m_adamw")
    alone, eight = scaling.update_time(recipe, 1), scaling.update_time(recipe, 8)
    # 524,288 tokens x 0.80 GFLOP / (0.38 x 989 TFLOP/s) = 1.1 s
    assert alone.compute == pytest.approx(1.12, rel=0.02)
    assert (alone.exchange, alone.exposed) == (0, 0)
    assert eight.compute == pytest.approx(alone.compute / 8)
    assert eight.exchange == pytest.approx(7 / 4 * 4 * 124_439_808 / 360e9, rel=0.3)
    assert eight.exposed < eight.exchange / 2
    assert scaling.efficiency(recipe, 1) == 1
    assert 1 > scaling.efficiency(recipe, 8) > scaling.efficiency(recipe, 64) > scaling.efficiency(recipe, 512) > 0


def test_the_exchange_cannot_hide_behind_a_short_backward_pass() -> None:
    time = scaling.update_time(load_recipe("gpt2_124m_adamw"), 512)
    assert time.exposed == pytest.approx(time.exchange - scaling.BACKWARD_SHARE * time.compute)


def test_shares_travel_three_times_half_in_every_micro_batch() -> None:
    recipe = load_recipe("gpt2_xl")
    assert scaling.micro_batches(recipe, 8) == 16  # 1,024 rows / 8 GPUs / 8 rows
    assert scaling.exchanges(recipe, 8) == 24
    assert scaling.exchanges(recipe, 1) == scaling.exchanges(load_recipe("gpt2_large"), 8) == 1
    time = scaling.update_time(recipe, 8)
    assert time.exchange == pytest.approx(24 * scaling.all_reduce_seconds(4 * 1_557_611_200, 8))
    assert time.optimizer == pytest.approx(scaling.update_time(recipe, 1).optimizer / 8)


@pytest.mark.parametrize("name", ["gpt2_124m", "gpt2_medium", "gpt2_large", "gpt2_xl"])
def test_more_gpus_than_are_worth_it_are_not_worth_it(name: str) -> None:
    recipe = load_recipe(name)
    most = scaling.most_efficient_gpus(recipe)
    assert scaling.efficiency(recipe, most) >= scaling.LEAST_EFFICIENCY
    assert most == recipe.rows_per_update or scaling.efficiency(recipe, 2 * most) < scaling.LEAST_EFFICIENCY


def test_the_page_is_what_the_code_makes() -> None:
    path = ROOT / "benchmarks" / "scaling_on_paper.py"
    specification = importlib.util.spec_from_file_location("scaling_on_paper", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), (
        "docs/scaling_on_paper.md is old: python benchmarks/scaling_on_paper.py --page"
    )
