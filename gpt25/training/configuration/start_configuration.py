"""What a run's weights are before its first update."""

import dataclasses

from gpt25.training.configuration.requirements import require


@dataclasses.dataclass(frozen=True, kw_only=True)
class StartConfiguration:
    """A model whose weights, shape and tokenizer a run begins with instead of random weights."""

    model: str | None = None
    """A MODEL argument (also RUN@best or RUN@500); none for random weights."""
    required: bool = False
    """Whether the recipe makes no sense without one: its shape and tokenizer are then the given model's."""
    weights_sha256: str | None = None
    """Which weights these were, written down when the run begins."""

    def __post_init__(self) -> None:
        require(self.model != "", "start.model", self.model, "a MODEL, or none for random weights")

    @property
    def leaves_shape_open(self) -> bool:
        """Whether the run's shape is still to come from the model."""
        return (self.required or self.model is not None) and self.weights_sha256 is None
