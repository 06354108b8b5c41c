"""On how many tokens a run measures its validation loss."""

from collections.abc import Sequence
from typing import Any


def last_validation_tokens(rows: Sequence[dict[str, Any]]) -> int | None:
    """Of the last row that has them; None where the rows are of a release that did not write them down."""
    tokens = (row.get("validation_tokens") for row in reversed(rows))
    return next((number for number in tokens if isinstance(number, int)), None)
