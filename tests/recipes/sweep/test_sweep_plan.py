"""Which runs a sweep has, what they are called, and what is refused before any of them."""

import dataclasses

import pytest

from gpt25.errors import ConfigurationError
from gpt25.recipes.sweep.sweep_plan import Changes, in_words, run_name, sweep_plan
from gpt25.training import OptimizerConfiguration, TrainingConfiguration


def change(changes: Changes) -> TrainingConfiguration:
    values = {key.removeprefix("optimizer.").replace("-", "_"): float(value) for key, value in changes}
    return TrainingConfiguration(optimizer=dataclasses.replace(OptimizerConfiguration(), **values))


def test_every_combination_has_every_seed() -> None:
    varied = [("optimizer.muon-peak-learning-rate", "0.01", "0.02"), ("--optimizer.beta_1", "0.8", "0.9")]
    runs = sweep_plan(TrainingConfiguration(), varied, 3, change)
    assert len(runs) == len({run.name for run in runs}) == 12
    first = runs[0]
    assert first.changes == (("optimizer.muon-peak-learning-rate", "0.01"), ("optimizer.beta-1", "0.8"))
    assert first.name == "optimizer.muon-peak-learning-rate=0.01,optimizer.beta-1=0.8,seed=1337"
    assert [run.configuration.loop.seed for run in runs[:3]] == [run.seed for run in runs[:3]] == [1337, 1338, 1339]
    assert {
        (run.configuration.optimizer.muon_peak_learning_rate, run.configuration.optimizer.beta_1) for run in runs
    } == {(rate, beta) for rate in (0.01, 0.02) for beta in (0.8, 0.9)}


def test_one_seed_is_not_in_the_name_and_odd_values_make_names_of_files() -> None:
    (run,) = sweep_plan(TrainingConfiguration(), [("optimizer.beta-1", "0.8")], 1, change)
    assert run.name == "optimizer.beta-1=0.8"
    odd = [run_name((("data.directory", value),), None) for value in ("../a b", "..-a-b", "x" * 300)]
    assert len(set(odd)) == 3
    assert all("/" not in name and len(name) < 140 for name in odd)
    assert in_words((("optimizer.beta-1", "0.8"), ("loop.seed", "1"))) == "optimizer.beta-1 0.8, loop.seed 1"


@pytest.mark.parametrize(
    ("varied", "seeds", "said"),
    [
        ([], 1, "nothing is varied: give --vary KEY VALUE VALUE"),
        ([("optimizer.beta-1",)], 1, "--vary optimizer.beta-1 has no value"),
        ([("optimizer.beta-1", "1", "1")], 1, "--vary optimizer.beta-1 has a value twice: 1 1"),
        ([("optimizer.beta-1", "1"), ("optimizer.beta_1", "2")], 1, "names optimizer.beta-1 twice"),
        ([("loop.seed", "1", "2")], 1, "--vary loop.seed is --seeds N"),
        ([("optimizer.beta-1", "1")], 0, "--seeds is 0; it must be 1 to 10,000."),
        ([("optimizer.beta-1", *map(str, range(200)))], 100, "that makes 20,000 runs"),
    ],
)
def test_what_is_refused(varied: list[tuple[str, ...]], seeds: int, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sweep_plan(TrainingConfiguration(), varied, seeds, change)
    assert said in str(caught.value)
