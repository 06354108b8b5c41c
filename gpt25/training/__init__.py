"""Changing a model: the loop, optimizers, schedules, the fused loss and checkpoints that resume bit for bit.

Training knows nothing of samples, pictures or terminals: it calls the hooks that it is handed.
"""

from gpt25.training.batch_configuration import BatchConfiguration
from gpt25.training.checkpoint import TrainingState
from gpt25.training.configuration import (
    LoopConfiguration,
    ScheduleConfiguration,
    TrainingConfiguration,
)
from gpt25.training.data_configuration import DataConfiguration
from gpt25.training.fused_loss import fused_loss
from gpt25.training.hellaswag_configuration import HellaSwagConfiguration
from gpt25.training.hooks import TrainingHooks
from gpt25.training.initialisation_configuration import InitialisationConfiguration
from gpt25.training.loss_module import LossModule
from gpt25.training.muon import Muon
from gpt25.training.optimizer_configuration import OptimizerConfiguration
from gpt25.training.optimizers import Optimizers
from gpt25.training.probe import seconds_per_update
from gpt25.training.speed_configuration import SpeedConfiguration
from gpt25.training.start_configuration import StartConfiguration
from gpt25.training.track_configuration import TrackConfiguration
from gpt25.training.trainer import Trainer

__all__ = [
    "BatchConfiguration",
    "DataConfiguration",
    "HellaSwagConfiguration",
    "InitialisationConfiguration",
    "LoopConfiguration",
    "LossModule",
    "Muon",
    "OptimizerConfiguration",
    "Optimizers",
    "ScheduleConfiguration",
    "SpeedConfiguration",
    "StartConfiguration",
    "TrackConfiguration",
    "Trainer",
    "TrainingConfiguration",
    "TrainingHooks",
    "TrainingState",
    "fused_loss",
    "seconds_per_update",
]
