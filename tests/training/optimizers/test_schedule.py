import pytest

from gpt25.training import OptimizerConfiguration, ScheduleConfiguration
from gpt25.training.optimizers.schedule import learning_rate_factor, muon_momentum


def factors(number_of_updates: int, **fields: object) -> list[float]:
    schedule = ScheduleConfiguration(**fields)
    return [learning_rate_factor(schedule, update, number_of_updates) for update in range(number_of_updates)]


def test_every_schedule_rises_linearly_and_reaches_the_peak_with_the_last_update_of_the_warm_up() -> None:
    for name in ("constant", "cosine", "trapezoid"):
        assert factors(100, name=name, warm_up_updates=4)[:5] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
        assert factors(100, name=name, warm_up_updates=0)[0] == 1.0


def test_constant_stays() -> None:
    assert set(factors(20, name="constant", warm_up_updates=2)[1:]) == {1.0}


def test_cosine_is_halfway_in_the_middle_and_ends_near_its_final_fraction() -> None:
    values = factors(110, name="cosine", warm_up_updates=10, final_fraction=0.2)
    assert values[10] == 1.0
    assert values[60] == pytest.approx(0.6)  # halfway between 1 and 0.2
    assert 0.2 < values[-1] < 0.201
    assert values[10:] == sorted(values[10:], reverse=True)


def test_trapezoid_stays_and_falls_linearly() -> None:
    values = factors(100, name="trapezoid", warm_up_updates=10, decay_fraction=0.4, final_fraction=0.1)
    assert set(values[9:61]) == {1.0}
    assert values[80] == pytest.approx(0.55)
    assert values[-1] == pytest.approx(0.1 + 0.9 / 40)
    assert values[61] - values[62] == pytest.approx(0.9 / 40)


def test_a_trapezoid_falls_by_one_minus_the_square_root_of_what_is_done() -> None:
    fields = {"name": "trapezoid", "warm_up_updates": 10, "decay_fraction": 0.4, "final_fraction": 0.1}
    values, straight = factors(100, decay_shape="square_root", **fields), factors(100, **fields)
    assert straight == factors(100, decay_shape="linear", **fields)
    assert values[:61] == straight[:61]
    # A quarter of the 40 updates done is a fall by a half, nine sixteenths are one by three quarters.
    assert values[70] == pytest.approx(0.1 + 0.9 * (1 - 1 / 2))
    assert values[60 + 22] > 0.1 + 0.9 * (1 - 3 / 4) > values[60 + 23]
    assert [round(value, 4) for value in (values[61], values[80], values[99])] == [0.8577, 0.3636, 0.1113]
    assert all(0.1 < value < line for value, line in zip(values[61:], straight[61:], strict=True))
    assert values[60:] == sorted(set(values[60:]), reverse=True)


def test_a_trapezoid_without_decay_moves_only_its_last_update_at_most() -> None:
    assert set(factors(10, name="trapezoid", warm_up_updates=0, decay_fraction=0.0)) == {1.0}


def test_a_run_shorter_than_its_warm_up_never_reaches_the_peak() -> None:
    assert factors(3, name="cosine", warm_up_updates=10) == pytest.approx([0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("fraction", "progress", "momentum"),
    [(0.5, 0.0, 0.8), (0.5, 0.25, 0.85), (0.5, 0.5, 0.9), (0.5, 1.0, 0.9), (0.0, 0.0, 0.9)],
)
def test_momentum_warms_up(fraction: float, progress: float, momentum: float) -> None:
    settings = OptimizerConfiguration(
        muon_initial_momentum=0.8, muon_momentum=0.9, muon_momentum_warm_up_fraction=fraction
    )
    assert muon_momentum(settings, progress) == pytest.approx(momentum)
