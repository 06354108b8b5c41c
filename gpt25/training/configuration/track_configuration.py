"""How a run is watched."""

import dataclasses
from typing import Any

from gpt25.records import DEFAULT_CURRENCY, require_currency
from gpt25.training.configuration.requirements import is_number, require, require_positive


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrackConfiguration:
    """The training losses that a recipe expects (a run that leaves them goes on, and says so), and what the run's
    report and other trackers show.
    """

    loss_at_most: tuple[tuple[float, float], ...] = ()
    """Pairs of millions of tokens and the highest loss then, in nats; straight between them over the tokens' log."""
    loss_at_least: float | None = None
    """A loss below which something is too good to be true."""
    tensorboard: bool = False
    """Write every update's metrics for TensorBoard too, into the run's folder tensorboard (extra `track`)."""
    wandb: bool = False
    """Send them to Weights & Biases too (extra `wandb`); with WANDB_MODE=offline into the run's folder wandb."""
    mlflow: bool = False
    """Send them to MLflow too (extra `mlflow`): to MLFLOW_TRACKING_URI, or into the run's mlflow.db."""
    price_per_hour: float | None = None
    """What the machine costs an hour, all its GPUs together: the report then shows losses against money."""
    currency: str = DEFAULT_CURRENCY
    """Of the price."""
    data_set: str | None = None
    """fineweb, fineweb-edu or openwebtext: whose OpenAI losses the report draws, where the index of the shards does
    not say what they were made of."""
    trial: bool = False
    """A trial of a larger job: its figures are called so wherever they are shown, and never stand beside published
    ones."""

    def __post_init__(self) -> None:
        points: Any = self.loss_at_most
        name = "track.loss_at_most"
        rule = "a list of pairs of millions of tokens and a loss, such as [[100, 7], [500, 5]]"
        require(isinstance(points, tuple), name, points, rule)
        before = 0.0
        for point in points:
            require(isinstance(point, tuple) and len(point) == 2 and all(map(is_number, point)), name, point, rule)
            millions, loss = point
            require(millions > before and loss > 0, name, point, "rising numbers of tokens, and losses above 0")
            before = millions
        if self.loss_at_least is not None:
            require_positive(self, "track", "loss_at_least")
        if self.price_per_hour is not None:
            require_positive(self, "track", "price_per_hour")
        require_currency(self.currency, field="track.currency")
