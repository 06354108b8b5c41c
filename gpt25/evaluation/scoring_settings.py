"""How a task is worked through."""

from dataclasses import dataclass

from gpt25.errors import EvaluationError


@dataclass(frozen=True)
class ScoringSettings:
    """How a task is worked through; nothing here but `limit` and `stride` changes a figure beyond rounding."""

    limit: int | None = None
    """Only the first so many items (of texts and shards: windows; of CORE: items of every task)."""
    batch_tokens: int | None = None
    """Most tokens of one pass."""
    stride: int | None = None
    """Of texts: tokens from window to window; the block size by default."""
    skip_invalid: bool = False
    """Leave out items that cannot be requests to the model, and rows of CORE that cannot be read, and count them."""

    def __post_init__(self) -> None:
        for name in ("limit", "batch_tokens", "stride"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise EvaluationError(f"{name} is {value}; it must be at least 1.")
