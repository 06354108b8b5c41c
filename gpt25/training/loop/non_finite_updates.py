"""What happens when a loss or a gradient is a NaN or an infinity: skipped a few times, then an end with a reason."""

import math
from pathlib import Path

from gpt25.errors import TrainingError


class NonFiniteUpdates:
    """Counts updates in a row whose loss or gradient norm was not finite."""

    def __init__(self, *, allowed_in_a_row: int, checkpoints_path: Path) -> None:
        self.in_a_row = 0
        self._allowed = allowed_in_a_row
        self._checkpoints_path = checkpoints_path

    def check(self, update: int, loss: float, norm: float) -> str | None:
        """None where both are finite, else what to say about skipping this update, counted from 1.

        Raises TrainingError when more updates in a row were not finite than are allowed.
        """
        if math.isfinite(loss) and math.isfinite(norm):
            self.in_a_row = 0
            return None
        self.in_a_row += 1
        what = f"update {update}: loss {loss}, gradient norm {norm}"
        if self.in_a_row > self._allowed:
            raise TrainingError(
                f"{what}; {self.in_a_row} updates in a row were not finite, {self._allowed} are allowed. "
                f"The last good checkpoint is untouched in {self._checkpoints_path}. Look at the data, or train "
                "with a lower learning rate in another --run directory."
            )
        return f"{what}; all ranks skip this update ({self.in_a_row} in a row, {self._allowed} allowed)"
