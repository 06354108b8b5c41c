"""What changes over a run as a pure function of the update: the learning rate and Muon's momentum."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from gpt25.training.configuration.optimizer_configuration import OptimizerConfiguration
from gpt25.training.configuration.training_configuration import ScheduleConfiguration, TrainingConfiguration

Extensions = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class _Leg:
    """A stretch of updates with a warm-up and a fall of its own: the whole run, or what it was extended by."""

    begin: int
    """Updates before it."""
    start: float
    """The factor that it rises from."""
    warm_up_updates: int
    end: int
    """Updates of the run when it ends."""


def learning_rate_factor(
    schedule: ScheduleConfiguration, update: int, number_of_updates: int, *, extensions: Extensions = ()
) -> float:
    """Factor in (0, 1] for one update, counting from 0; a pure function, so that a resumed run goes on exactly.

    The warm-up rises linearly and reaches 1 with its last update. Then `constant` stays; `cosine` falls along a half
    cosine to final_fraction (Loshchilov and Hutter 2017, "SGDR", section 3); `trapezoid` stays and falls over the last
    decay_fraction of the run, linearly or as 1 - sqrt(part of the fall that is done) (Hägele et al. 2024, "Scaling Laws
    and Compute-Optimal Training Beyond Fixed Training Durations", section 3).

    extensions: of a run that became longer, as history.extensions has them. One before which nothing had fallen moves
    the fall to the new end. After any other the factor rises again, from where it was to 1, over the same fraction of
    the new updates as the warm-up was of the first ones, but over no more of them, and falls again in the same way
    (Ibrahim et al. 2024, "Simple and Scalable Strategies to Continually Pre-train Large Language Models", section 4).
    """
    legs = [leg for leg in _legs(schedule, number_of_updates, extensions) if leg.begin <= update]
    return _factor(schedule, legs[-1], update)


def plateau_end(configuration: TrainingConfiguration) -> int | None:
    """Updates that are done when a run's trapezoid begins to fall, for the last time; None where nothing falls so.

    Of 20 updates with decay_fraction 0.6, 9: the update counted as 8 from 0 is the last one at the peak. What goes on
    from there for longer is what a longer run would have been.
    """
    schedule, number = configuration.schedule, configuration.loop.number_of_updates
    end = _level_until(schedule, _legs(schedule, number, configuration.history.extensions)[-1])
    return end if schedule.name == "trapezoid" and end < number else None


def plateau_end_to_keep(configuration: TrainingConfiguration) -> int | None:
    """The same where loop.keep_plateau_checkpoint asks for a checkpoint of it."""
    return plateau_end(configuration) if configuration.loop.keep_plateau_checkpoint else None


def rises_again(configuration: TrainingConfiguration) -> bool:
    """Whether the rates had fallen when a run was made longer for the last time, so that they rise again."""
    schedule, extensions = configuration.schedule, configuration.history.extensions
    legs = _legs(schedule, configuration.loop.number_of_updates, extensions)
    return bool(extensions) and legs[-1].begin == extensions[-1][0] > 0


def _legs(schedule: ScheduleConfiguration, number_of_updates: int, extensions: Extensions) -> list[_Leg]:
    ends = [*(planned for _, planned in extensions), number_of_updates]
    legs = [_Leg(0, 0.0, schedule.warm_up_updates, ends[0])]
    for (begin, _), end in zip(extensions, ends[1:], strict=True):
        if begin <= _level_until(schedule, legs[-1]):
            legs[-1] = dataclasses.replace(legs[-1], end=end)
            continue
        fraction = schedule.warm_up_updates / ends[0]
        warm_up = min(schedule.warm_up_updates, max(1, round(fraction * (end - begin))))
        legs.append(_Leg(begin, _factor(schedule, legs[-1], begin - 1), warm_up, end))
    return legs


def _factor(schedule: ScheduleConfiguration, leg: _Leg, update: int) -> float:
    done = update - leg.begin
    if done < leg.warm_up_updates:
        return leg.start + (1 - leg.start) * (done + 1) / leg.warm_up_updates
    if schedule.name == "constant":
        return 1.0
    height = _height(schedule, leg, update)
    return schedule.final_fraction + (1 - schedule.final_fraction) * height


def _height(schedule: ScheduleConfiguration, leg: _Leg, update: int) -> float:
    """The part of the fall of a cosine or a trapezoid that is still to come at an update behind the warm-up."""
    after_this = leg.end - update  # updates left, this one counted
    if schedule.name == "cosine":
        length = max(1, leg.end - leg.begin - leg.warm_up_updates)
        return 0.5 * (1 + math.cos(math.pi * (1 - after_this / length)))
    height = min(1.0, after_this / max(1.0, schedule.decay_fraction * (leg.end - leg.begin)))
    return 1 - math.sqrt(1 - height) if schedule.decay_shape == "square_root" else height


def _level_until(schedule: ScheduleConfiguration, leg: _Leg) -> int:
    after_warm_up = min(leg.begin + leg.warm_up_updates, leg.end)
    if schedule.name == "constant":
        return leg.end
    if schedule.name == "cosine":
        return after_warm_up
    level = max(after_warm_up, math.floor(leg.end - schedule.decay_fraction * (leg.end - leg.begin)))
    while level < leg.end and _height(schedule, leg, level) == 1:
        level += 1
    return level


def muon_momentum(settings: OptimizerConfiguration, progress: float) -> float:
    """Muon's momentum when the fraction `progress` of the run is done: it rises linearly, then stays."""
    if progress >= settings.muon_momentum_warm_up_fraction:
        return settings.muon_momentum
    warm = progress / settings.muon_momentum_warm_up_fraction
    return settings.muon_initial_momentum + warm * (settings.muon_momentum - settings.muon_initial_momentum)
