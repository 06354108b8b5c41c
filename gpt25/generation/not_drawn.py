"""What stands in place of a token where none could be drawn."""

from collections.abc import Sequence

from gpt25.errors import GenerationError

NOT_DRAWN = -1
"""What stands in place of an id where nothing could be drawn."""


def require_drawn(token_ids: Sequence[int]) -> None:
    """Raise GenerationError where `draw_next` could not draw; a single -infinity is only a token of probability 0."""
    rows = [row for row, token_id in enumerate(token_ids) if token_id == NOT_DRAWN]
    if rows:
        raise GenerationError(
            f"the model's logits are not finite in row(s) {', '.join(map(str, rows))} of {len(token_ids)}; its weights "
            "hold NaN or infinity, or overflow in this precision: use float32, or an earlier checkpoint."
        )
