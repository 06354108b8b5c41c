"""Whether HellaSwag is measured while a run trains."""

import dataclasses

from gpt25.training.configuration.requirements import require_positive


@dataclasses.dataclass(frozen=True, kw_only=True)
class HellaSwagConfiguration:
    """HellaSwag on the way, in the completion style of llm.c and build-nanogpt; training itself only carries it."""

    interval_in_updates: int | None = None
    """Updates between two measurements, with one at the end; none measures nothing."""
    limit: int | None = None
    """Only the first so many of the 10,042 items: sooner done, with a larger error, and marked as such."""
    data: str | None = None
    """A file of the set (JSON lines or Parquet, also .gz and .zst); none fetches it from the Hub by its name."""

    def __post_init__(self) -> None:
        for field in ("interval_in_updates", "limit"):
            if getattr(self, field) is not None:
                require_positive(self, "hellaswag", field)
