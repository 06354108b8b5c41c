"""How much of the clean prompt's answer each of many edits of the corrupted prompt restores."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gpt25.inspection.activations.continued import continued
from gpt25.inspection.activations.edit import Edit, edited
from gpt25.inspection.circuits.prompt_pair import PromptPair
from gpt25.model import GPTModel

TOKENS_AT_ONCE = 2048
"""Of all rows of one pass together: of the 124M about 0.2 GB at a time."""


def restored_shares(
    model: GPTModel,
    pair: PromptPair,
    rows: int,
    edits_of: Callable[[range], Mapping[str, Edit]],
    *,
    layer: int,
    stream: Tensor,
) -> NDArray[np.float64]:
    """Run `rows` copies of the corrupted prompt, each with an edit of its own: (rows), 0 nothing, 1 everything.

    edits_of(chosen) gives the edits of one batch, whose row n is the edit number chosen[n]. All edits are in `layer` or
    behind it, and stream, (1, time, channels), is the corrupted prompt's before that layer.
    """
    shares = []
    at_once = max(1, TOKENS_AT_ONCE // len(pair.corrupted))
    for first in range(0, rows, at_once):
        chosen = range(first, min(rows, first + at_once))
        with edited(model, edits_of(chosen)):
            last = continued(model, layer, stream.expand(len(chosen), -1, -1))[:, -1]  # (rows, channels)
            logits = model.language_modeling_head(last).double()  # (rows, vocabulary)
        shares.append(pair.share(logits[:, pair.answer] - logits[:, pair.other]).cpu().numpy())
    return np.concatenate(shares)
