"""What is reproduced, from what, and at which price."""

from dataclasses import dataclass
from pathlib import Path

from gpt25.errors import ConfigurationError
from gpt25.recipes.reproduction.trial import OPPONENT
from gpt25.records import DEFAULT_CURRENCY, require_currency

DATA_SETS = {"fineweb": "fineweb10B", "fineweb-edu": "finewebedu10B", "climbmix": "climbmix"}
"""The task that measures a set's loss, and the set as `gpt25 data fetch` calls it."""

_FASTEST = 1_000_000


@dataclass(frozen=True)
class ReproductionSettings:
    """What is reproduced, from what, and at which price."""

    recipe: str = "gpt2_124m"
    """A recipe in the package, or the path of a TOML file."""
    opponent: str = "gpt2"
    """MODEL that is to be beaten."""
    data_set: str = "fineweb"
    """fineweb, fineweb-edu or climbmix: whose shards are trained on, and on whose held-out ones losses are measured."""
    data: Path | None = None
    """Where the shards are, or are fetched to; by default `shards` in the run's directory."""
    shards_per_group: int | None = 5
    """Shards that are shuffled together and trained on while the next ones arrive; None: all, once they are here. A run
    that has begun, and a recipe that says so, keep their own."""
    hellaswag: str | None = None
    """A file of HellaSwag's items; without it they are fetched."""
    lambada: str | None = None
    """A file of LAMBADA's passages; without it they are fetched."""
    price_per_hour: float | None = None
    """What the whole machine costs in an hour."""
    currency: str = DEFAULT_CURRENCY
    """Of the price."""
    network_megabytes_per_second: float = 50.0
    """What is counted on for fetching, before it begins."""
    device: str = "auto"
    is_trial: bool = False

    @property
    def opponent_name(self) -> str:
        """What the verdict calls the opponent."""
        return OPPONENT if self.is_trial else self.opponent

    def __post_init__(self) -> None:
        require_currency(self.currency, field="--currency")
        if not 0 < self.network_megabytes_per_second <= _FASTEST:
            raise ConfigurationError(
                f"--network-megabytes-per-second is {self.network_megabytes_per_second:g}; it must be above 0 and at "
                f"most {_FASTEST:,}."
            )
        if self.data_set not in DATA_SETS:
            raise ConfigurationError(f"--data-set is {self.data_set!r}; it must be one of {', '.join(DATA_SETS)}.")
