import dataclasses

import pytest

from gpt25.training import (
    HistoryConfiguration,
    LoopConfiguration,
    OptimizerConfiguration,
    ScheduleConfiguration,
    TrainingConfiguration,
)
from gpt25.training.optimizers.schedule import (
    learning_rate_factor,
    muon_momentum,
    plateau_end,
    plateau_end_to_keep,
    rises_again,
)


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


def longer(number_of_updates: int, *extensions: tuple[int, int], **fields: object) -> list[float]:
    schedule = ScheduleConfiguration(**fields)
    return [
        learning_rate_factor(schedule, update, number_of_updates, extensions=extensions)
        for update in range(number_of_updates)
    ]


TRAPEZOID = {"name": "trapezoid", "warm_up_updates": 2, "decay_fraction": 0.6, "final_fraction": 0.1}
COSINE = {"name": "cosine", "warm_up_updates": 4, "final_fraction": 0.1}


@pytest.mark.parametrize("done", [1, 5, 9])
def test_a_trapezoid_that_has_not_begun_to_fall_falls_later_and_is_what_a_longer_run_would_have_been(done: int) -> None:
    assert longer(30, (done, 20), **TRAPEZOID) == factors(30, **TRAPEZOID)


@pytest.mark.parametrize(("fields", "done"), [({"name": "constant", "warm_up_updates": 3}, 20), (COSINE, 4)])
def test_what_has_not_fallen_does_not_rise(fields: dict[str, object], done: int) -> None:
    assert longer(30, (done, 20), **fields) == factors(30, **fields)


def test_what_has_fallen_rises_again_from_where_it_was_and_falls_to_the_new_end() -> None:
    before, values = factors(40, **COSINE), longer(80, (40, 40), **COSINE)
    assert values[:40] == before
    again = values[40:]
    step = (1 - before[-1]) / 4  # over a tenth of the new updates, as the first warm-up
    assert again[:4] == pytest.approx([before[-1] + step * number for number in (1, 2, 3, 4)])
    assert again[4] == 1.0
    assert again[4:] == sorted(again[4:], reverse=True)
    assert again[4:] == pytest.approx(before[4:])


def test_the_second_warm_up_is_short_where_the_extension_is_and_never_longer_than_the_first() -> None:
    assert longer(50, (40, 40), **COSINE)[40] == pytest.approx(1.0)  # 10 % of 10 updates
    tripled = longer(400, (40, 40), **COSINE)
    assert tripled[42] < tripled[43] == 1.0


def test_a_trapezoid_in_its_fall_rises_stays_and_falls_over_the_same_fraction_of_what_is_new() -> None:
    values = longer(40, (20, 20), **TRAPEZOID)
    assert set(values[21:29]) == {1.0}
    assert values[29] < 1
    assert values[29:] == pytest.approx(factors(20, **TRAPEZOID)[9:])


def test_extensions_follow_one_another() -> None:
    twice = longer(60, (20, 20), (40, 40), **COSINE)
    assert twice[:40] == longer(40, (20, 20), **COSINE)
    assert twice[40:] == pytest.approx(longer(40, (20, 20), **COSINE)[20:])
    # The second one came before the first leg's fall: its end moves, and nothing rises.
    assert longer(60, (20, 20), (21, 40), **TRAPEZOID)[20:] == longer(60, (20, 20), **TRAPEZOID)[20:]


def of(schedule: ScheduleConfiguration, number: int, *extensions: tuple[int, int]) -> TrainingConfiguration:
    loop, history = LoopConfiguration(number_of_updates=number), HistoryConfiguration(extensions=extensions)
    return TrainingConfiguration(schedule=schedule, loop=loop, history=history)


@pytest.mark.parametrize("shape", ["linear", "square_root"])
@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.5, 0.6, 1.0])
@pytest.mark.parametrize("number", [3, 10, 20, 97])
def test_the_plateau_ends_before_the_first_update_below_the_peak(number: int, fraction: float, shape: str) -> None:
    fields = {"name": "trapezoid", "warm_up_updates": 1, "decay_fraction": fraction, "decay_shape": shape}
    below = [update for update, factor in enumerate(factors(number, **fields)) if factor < 1]
    end = plateau_end(of(ScheduleConfiguration(**fields), number))
    assert end == (below[0] if below else None)


def test_only_a_trapezoid_has_a_plateau_and_an_extended_one_has_another() -> None:
    assert plateau_end(of(ScheduleConfiguration(**COSINE), 20)) is None
    assert plateau_end(of(ScheduleConfiguration(name="constant", warm_up_updates=2), 20)) is None
    schedule = ScheduleConfiguration(**TRAPEZOID)
    assert plateau_end(of(schedule, 20)) == 9
    assert plateau_end(of(schedule, 30, (9, 20))) == plateau_end(of(schedule, 30)) == 13
    assert plateau_end(of(schedule, 40, (20, 20))) == 29
    kept = of(schedule, 20)
    assert plateau_end_to_keep(kept) == 9
    loop = dataclasses.replace(kept.loop, keep_plateau_checkpoint=False)
    assert plateau_end_to_keep(dataclasses.replace(kept, loop=loop)) is None


def test_whether_an_extended_run_rises_again() -> None:
    trapezoid = ScheduleConfiguration(**TRAPEZOID)
    assert not rises_again(of(trapezoid, 20))
    assert not rises_again(of(trapezoid, 30, (9, 20)))
    assert rises_again(of(trapezoid, 30, (10, 20)))
    assert not rises_again(of(trapezoid, 50, (20, 20), (21, 40)))


@pytest.mark.parametrize(
    ("fraction", "progress", "momentum"),
    [(0.5, 0.0, 0.8), (0.5, 0.25, 0.85), (0.5, 0.5, 0.9), (0.5, 1.0, 0.9), (0.0, 0.0, 0.9)],
)
def test_momentum_warms_up(fraction: float, progress: float, momentum: float) -> None:
    settings = OptimizerConfiguration(
        muon_initial_momentum=0.8, muon_momentum=0.9, muon_momentum_warm_up_fraction=fraction
    )
    assert muon_momentum(settings, progress) == pytest.approx(momentum)
