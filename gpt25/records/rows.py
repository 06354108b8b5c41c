"""The rows of a run's two growing files, as far as anything here reads them again; rows may hold more figures."""

from dataclasses import dataclass

from gpt25.storage.reading.field_types import Amount, Count


@dataclass(frozen=True)
class MetricsRow:
    """One measured update. A figure that was not finite, or not measured, is null or absent."""

    update: Count
    tokens: Count | None = None
    elapsed_seconds: Amount | None = None
    training_loss: float | None = None
    validation_loss: float | None = None
    validation_tokens: Count | None = None
    validation_loss_of_last_weights: float | None = None
    validation_loss_of_average: float | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None
    tokens_per_second: Amount | None = None
    hellaswag_accuracy: float | None = None
    hellaswag_accuracy_norm: float | None = None
    hellaswag_items: Count | None = None
    hellaswag_standard_error: Amount | None = None


@dataclass(frozen=True)
class SampleRow:
    """A text that the model wrote after an update."""

    update: Count
    tokens: Count | None = None
    prompt: str | None = None
    text: str | None = None
