"""Which weights a run ends with: the last update's, or the mean over its last updates."""

from collections.abc import Callable

from gpt25.counted import counted
from gpt25.training.optimizers.weight_average import WeightAverage


def keep_better_weights(
    average: WeightAverage, last_loss: float, *, measure: Callable[[], float], say: Callable[[str], None]
) -> dict[str, float]:
    """Leave the mean in the model if its validation loss is below `last_loss`, that of the weights there, and say so.

    measure: the validation loss of what the model holds, alike on all ranks, which all decide the same. Returns the
    values for metrics.jsonl: `validation_loss` is that of the weights that stay.
    """
    average.swap()
    loss = measure()
    is_better = loss < last_loss
    if not is_better:
        average.swap()
    say(
        f"validation loss {last_loss:.4f} with the last weights, {loss:.4f} with the mean of those after the last "
        f"{counted(average.updates, 'updates')}: the run keeps the {'mean' if is_better else 'last weights'}"
    )
    return {
        "validation_loss": loss if is_better else last_loss,
        "validation_loss_of_last_weights": last_loss,
        "validation_loss_of_average": loss,
    }
