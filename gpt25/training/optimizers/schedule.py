"""What changes over a run as a pure function of the update: the learning rate and Muon's momentum."""

import math

from gpt25.training.configuration.optimizer_configuration import OptimizerConfiguration
from gpt25.training.configuration.training_configuration import ScheduleConfiguration


def learning_rate_factor(schedule: ScheduleConfiguration, update: int, number_of_updates: int) -> float:
    """Factor in (0, 1] for one update, counting from 0; a pure function, so that a resumed run goes on exactly.

    The warm-up rises linearly and reaches 1 with its last update. Then `constant` stays; `cosine` falls along a half
    cosine to final_fraction (Loshchilov and Hutter 2017, "SGDR", section 3); `trapezoid` stays and falls over the last
    decay_fraction of the run, linearly or as 1 - sqrt(part of the fall that is done) (Hägele et al. 2024, "Scaling Laws
    and Compute-Optimal Training Beyond Fixed Training Durations", section 3).
    """
    if update < schedule.warm_up_updates:
        return (update + 1) / schedule.warm_up_updates
    if schedule.name == "constant":
        return 1.0
    after_this = number_of_updates - update  # updates left, this one counted
    if schedule.name == "cosine":
        length = max(1, number_of_updates - schedule.warm_up_updates)
        height = 0.5 * (1 + math.cos(math.pi * (1 - after_this / length)))
    else:
        height = min(1.0, after_this / max(1.0, schedule.decay_fraction * number_of_updates))
        if schedule.decay_shape == "square_root":
            height = 1 - math.sqrt(1 - height)
    return schedule.final_fraction + (1 - schedule.final_fraction) * height


def muon_momentum(settings: OptimizerConfiguration, progress: float) -> float:
    """Muon's momentum when the fraction `progress` of the run is done: it rises linearly, then stays."""
    if progress >= settings.muon_momentum_warm_up_fraction:
        return settings.muon_momentum
    warm = progress / settings.muon_momentum_warm_up_fraction
    return settings.muon_initial_momentum + warm * (settings.muon_momentum - settings.muon_initial_momentum)
