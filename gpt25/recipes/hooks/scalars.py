"""What a row of metrics.jsonl is called where others draw it."""

from typing import Any

_NAMES = {
    "training_loss": "loss/training",
    "validation_loss": "loss/validation",
    "validation_loss_of_last_weights": "loss/validation of the last weights",
    "validation_loss_of_average": "loss/validation of the average",
    "hellaswag_accuracy": "hellaswag/acc",
    "hellaswag_accuracy_norm": "hellaswag/acc_norm",
    "learning_rate": "learning rate",
    "gradient_norm": "gradient norm",
    "tokens_per_second": "tokens per second",
}


def scalars_of(row: dict[str, Any]) -> dict[str, float]:
    """scalars_of({"update": 8, "training_loss": 5.1}) -> {"loss/training": 5.1}; what was not measured is not there."""
    return {name: row[field] for field, name in _NAMES.items() if row.get(field) is not None}
