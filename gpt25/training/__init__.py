"""Changing a model: the loop, optimizers, schedules, the fused loss and checkpoints that resume bit for bit.

Training knows nothing of samples, pictures or terminals: it calls the hooks that it is handed.
"""

from typing import TYPE_CHECKING

from gpt25.lazy_face import lazy_face

if TYPE_CHECKING:
    from gpt25.training.checkpoints.checkpoint import TrainingState
    from gpt25.training.configuration.batch_configuration import BatchConfiguration
    from gpt25.training.configuration.data_configuration import DataConfiguration
    from gpt25.training.configuration.hellaswag_configuration import HellaSwagConfiguration
    from gpt25.training.configuration.history_configuration import HistoryConfiguration
    from gpt25.training.configuration.initialisation_configuration import InitialisationConfiguration
    from gpt25.training.configuration.optimizer_configuration import OptimizerConfiguration
    from gpt25.training.configuration.speed_configuration import SpeedConfiguration
    from gpt25.training.configuration.start_configuration import StartConfiguration
    from gpt25.training.configuration.track_configuration import TrackConfiguration
    from gpt25.training.configuration.training_configuration import (
        LoopConfiguration,
        ScheduleConfiguration,
        TrainingConfiguration,
    )
    from gpt25.training.loop.hooks import TrainingHooks
    from gpt25.training.loop.probe import seconds_per_update
    from gpt25.training.loop.stop_at_once import StopAtOnce, StoppedAtOnce
    from gpt25.training.loop.stop_signals import StopSignals
    from gpt25.training.loop.trainer import Trainer
    from gpt25.training.loss.fused_loss import fused_loss
    from gpt25.training.loss.loss_module import LossModule
    from gpt25.training.optimizers.muon import Muon
    from gpt25.training.optimizers.optimizers import Optimizers

__all__ = [
    "BatchConfiguration",
    "DataConfiguration",
    "HellaSwagConfiguration",
    "HistoryConfiguration",
    "InitialisationConfiguration",
    "LoopConfiguration",
    "LossModule",
    "Muon",
    "OptimizerConfiguration",
    "Optimizers",
    "ScheduleConfiguration",
    "SpeedConfiguration",
    "StartConfiguration",
    "StopAtOnce",
    "StopSignals",
    "StoppedAtOnce",
    "TrackConfiguration",
    "Trainer",
    "TrainingConfiguration",
    "TrainingHooks",
    "TrainingState",
    "fused_loss",
    "seconds_per_update",
]

lazy_face(
    __name__,
    {
        "BatchConfiguration": "configuration.batch_configuration",
        "DataConfiguration": "configuration.data_configuration",
        "HellaSwagConfiguration": "configuration.hellaswag_configuration",
        "HistoryConfiguration": "configuration.history_configuration",
        "InitialisationConfiguration": "configuration.initialisation_configuration",
        "LoopConfiguration": "configuration.training_configuration",
        "LossModule": "loss.loss_module",
        "Muon": "optimizers.muon",
        "OptimizerConfiguration": "configuration.optimizer_configuration",
        "Optimizers": "optimizers.optimizers",
        "ScheduleConfiguration": "configuration.training_configuration",
        "SpeedConfiguration": "configuration.speed_configuration",
        "StartConfiguration": "configuration.start_configuration",
        "StopAtOnce": "loop.stop_at_once",
        "StopSignals": "loop.stop_signals",
        "StoppedAtOnce": "loop.stop_at_once",
        "TrackConfiguration": "configuration.track_configuration",
        "Trainer": "loop.trainer",
        "TrainingConfiguration": "configuration.training_configuration",
        "TrainingHooks": "loop.hooks",
        "TrainingState": "checkpoints.checkpoint",
        "fused_loss": "loss.fused_loss",
        "seconds_per_update": "loop.probe",
    },
)
