"""Everything that defines a training run, frozen, typed and checked; a recipe and command-line flags fill it in."""

import dataclasses
from typing import Any, Literal

from gpt25.model import GPTConfiguration
from gpt25.training.configuration.batch_configuration import BatchConfiguration
from gpt25.training.configuration.data_configuration import DataConfiguration
from gpt25.training.configuration.hellaswag_configuration import HellaSwagConfiguration
from gpt25.training.configuration.history_configuration import HistoryConfiguration
from gpt25.training.configuration.initialisation_configuration import InitialisationConfiguration
from gpt25.training.configuration.optimizer_configuration import OptimizerConfiguration
from gpt25.training.configuration.requirements import require, require_bounded, require_fraction, require_positive
from gpt25.training.configuration.speed_configuration import SpeedConfiguration, require_switch
from gpt25.training.configuration.start_configuration import StartConfiguration
from gpt25.training.configuration.track_configuration import TrackConfiguration
from gpt25.training.configuration.update_sizes import UpdateSizes


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScheduleConfiguration:
    """How the learning rates rise and fall."""

    name: Literal["constant", "cosine", "trapezoid"] = "cosine"
    """After the warm-up: stay, fall along a half cosine, or stay and fall at the end."""
    warm_up_updates: int = 700
    """Updates over which the rates rise linearly from nothing."""
    decay_fraction: float = 0.3
    """Fraction of all updates over which a trapezoid falls."""
    decay_shape: Literal["linear", "square_root"] = "linear"
    """How a trapezoid falls: in a straight line, or by 1 - the square root of the part of its fall that is done, which
    is steep at first and flat at the end."""
    final_fraction: float = 0.1
    """Fraction of the peak that the rates fall towards; they would reach it one update after the last."""

    def __post_init__(self) -> None:
        require(
            self.name in ("constant", "cosine", "trapezoid"),
            "schedule.name",
            self.name,
            "constant, cosine or trapezoid",
        )
        shapes = ("linear", "square_root")
        require(self.decay_shape in shapes, "schedule.decay_shape", self.decay_shape, "linear or square_root")
        rule = f"linear where schedule.name is {self.name!r}: only the fall of a trapezoid has a shape"
        shaped = self.decay_shape != "linear"
        require(self.name == "trapezoid" or not shaped, "schedule.decay_shape", self.decay_shape, rule)
        require(self.warm_up_updates >= 0, "schedule.warm_up_updates", self.warm_up_updates, "0 or more")
        require_fraction(self, "schedule", "decay_fraction", "final_fraction")


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoopConfiguration:
    """How long a run goes on, what it measures on the way and what it keeps."""

    number_of_updates: int = 19_073
    """Optimizer steps in all: 10B tokens / 524,288 by default."""
    average_last_fraction: float = 0.0
    """Average the weights over this last fraction of the updates (Kaddour 2022, arXiv 2209.14981); the run keeps the
    mean if it validates better than the last weights. 0 for no average."""
    number_of_epochs: float | None = None
    """End after so many passes over the training tokens, if that is sooner; the run's proportions stay."""
    seed: int = 1337
    """Decides the initial weights, the order of the data and dropout."""
    validation_interval_in_updates: int = 250
    """Updates between two validations; there is always one at the end."""
    samples_interval_in_updates: int = 1000
    """Updates between two samples of text; there is always one at the end."""
    checkpoint_interval_in_updates: int = 1000
    """Updates between two checkpoints; there is always one at the end."""
    record_start: bool = False
    """Validate, sample and save before the first update too, so that the curve begins at what training begins with."""
    checkpoints_to_keep: int = 2
    """Newest checkpoints that stay; the best one by validation loss stays besides."""
    keep_plateau_checkpoint: bool = True
    """Keep one, too, from where a trapezoid begins to fall: from there the run can be gone on with for longer."""
    sample_prompt: str = ""
    """What the samples on the way continue; nothing means the start of a document."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N; `gpt25 doctor` says what auto means here."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the forward and backward pass; the weights that are trained stay float32."""
    shard_parameters: bool = False
    """Shard weights, gradients and optimizer state over the ranks (FSDP): for models too large for one GPU."""
    compile: bool | Literal["auto"] = "auto"
    """Compile with torch.compile: some time before the first update, faster ones after it; auto does on CUDA only."""
    non_finite_updates_allowed: int = 5
    """Updates in a row that may be skipped for a NaN or an infinity before the run stops."""
    failed_saves_allowed: int = 3
    """Checkpoints in a row that may fail, for want of disk space say, before the run stops."""
    timeout_seconds: float = 600.0
    """Longest wait for another rank before the run ends with an error."""

    def __post_init__(self) -> None:
        require_positive(
            self,
            "loop",
            "number_of_updates",
            "validation_interval_in_updates",
            "samples_interval_in_updates",
            "checkpoint_interval_in_updates",
            "checkpoints_to_keep",
            "timeout_seconds",
        )
        require_fraction(self, "loop", "average_last_fraction")
        if self.number_of_epochs is not None:
            require_positive(self, "loop", "number_of_epochs")
        for field in ("seed", "non_finite_updates_allowed", "failed_saves_allowed"):
            require(getattr(self, field) >= 0, f"loop.{field}", getattr(self, field), "0 or more")
        require_switch("loop.compile", self.compile)
        for field in ("shard_parameters", "keep_plateau_checkpoint"):
            require(isinstance(getattr(self, field), bool), f"loop.{field}", getattr(self, field), "true or false")
        require(
            self.precision in ("auto", "float32", "bfloat16"),
            "loop.precision",
            self.precision,
            "auto, float32 or bfloat16",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingConfiguration:
    """A whole recipe: sections that are checked by themselves, and the rules that hold between them."""

    start: StartConfiguration = dataclasses.field(default_factory=StartConfiguration)
    model: GPTConfiguration = dataclasses.field(default_factory=GPTConfiguration)
    initialisation: InitialisationConfiguration = dataclasses.field(default_factory=InitialisationConfiguration)
    data: DataConfiguration = dataclasses.field(default_factory=DataConfiguration)
    batch: BatchConfiguration = dataclasses.field(default_factory=BatchConfiguration)
    optimizer: OptimizerConfiguration = dataclasses.field(default_factory=OptimizerConfiguration)
    schedule: ScheduleConfiguration = ScheduleConfiguration()
    loop: LoopConfiguration = LoopConfiguration()
    speed: SpeedConfiguration = dataclasses.field(default_factory=SpeedConfiguration)
    track: TrackConfiguration = dataclasses.field(default_factory=TrackConfiguration)
    hellaswag: HellaSwagConfiguration = dataclasses.field(default_factory=HellaSwagConfiguration)
    history: HistoryConfiguration = dataclasses.field(default_factory=HistoryConfiguration)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            require_bounded(getattr(self, field.name), field.name)
        if not self.start.leaves_shape_open:
            self.batch.require_whole_rows(self.model.block_size)
        warm_up, number = self.schedule.warm_up_updates, self.loop.number_of_updates
        rule = f"at most loop.number_of_updates {number:,}, or the rates never reach their peak"
        require(warm_up <= number, "schedule.warm_up_updates", warm_up, rule)
        for _, planned in self.history.extensions[-1:]:
            rule = f"below loop.number_of_updates {number:,}: an extension makes a run longer"
            require(planned < number, "history.extensions", planned, rule)
        zero, name = self.initialisation.zero_residual_projections, self.start.model
        rule = f"false where start.model is {name!r}: only random weights begin so"
        require(not zero or name is None, "initialisation.zero_residual_projections", zero, rule)
        rule = "adamw where loop.shard_parameters is true: Muon needs full matrices"
        require(
            self.optimizer.name == "adamw" or not self.loop.shard_parameters,
            "optimizer.name",
            self.optimizer.name,
            rule,
        )

    @property
    def rows_per_update(self) -> int:
        """Rows of block_size tokens in an update of full size: 524,288 / 1,024 = 512."""
        return self.batch.tokens_per_update // self.model.block_size

    @property
    def updates_at_first(self) -> int:
        """Updates that the run was to have when it was begun: what is a fraction of its beginning is one of these.

        So that a run that becomes longer keeps the batches and sequences that it had, and does not go back to them.
        """
        return self.history.extensions[0][1] if self.history.extensions else self.loop.number_of_updates

    @property
    def update_sizes(self) -> UpdateSizes:
        """Rows and tokens of every update."""
        return UpdateSizes(self.batch, block_size=self.model.block_size, number_of_updates=self.updates_at_first)

    @property
    def window_order(self) -> dict[str, Any]:
        """What decides the order in which training reads windows, as `Batches` takes it."""
        return {
            "block_size": self.model.block_size,
            "seed": self.loop.seed,
            "vocabulary_size": self.model.vocabulary_size,
            "shards_per_group": self.data.shards_per_group,
        }

    @property
    def total_tokens(self) -> int:
        """Tokens that the whole run trains on."""
        return self.update_sizes.tokens_before(self.loop.number_of_updates)

    def sequence_length(self, update: int) -> int:
        """Tokens in a sequence of this update, counting from 0: shorter than the block early in a curriculum."""
        for fraction, length in self.batch.short_sequences:
            if update < fraction * self.updates_at_first:
                return length
        return self.model.block_size
