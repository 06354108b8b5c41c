"""A long text as requests, so that every token is scored exactly once."""

from collections.abc import Sequence

from gpt25.errors import EvaluationError
from gpt25.evaluation.scoring.request import Request


def windows(tokens: Sequence[int], *, end_of_text_id: int, block_size: int, stride: int | None = None) -> list[Request]:
    """Windows of `stride` tokens to score, each after as many tokens before it as the block holds.

    stride: the block size by default, so that no token is read twice but the one before a window; less gives every
    token more context, at the price of block size / stride times the work. The text begins after the token between
    documents, so that its first token is scored too. The last window is shorter and sees the more before it.

    This is `loglikelihood_rolling` of lm-evaluation-harness where the stride is the block size.
    """
    step = block_size if stride is None else stride
    if not 1 <= step <= block_size:
        raise EvaluationError(
            f"a stride of {step:,} tokens cannot be; choose from 1 to the block size, {block_size:,}."
        )
    everything = (end_of_text_id, *tokens)
    requests = []
    # The first window scores a whole block: after the token between documents there is room for it.
    start = 1
    while start < len(everything):
        end = min(start + (block_size if start == 1 else step), len(everything))
        first = max(0, end - 1 - block_size)  # block_size inputs end before the last token to predict
        requests.append(Request(everything[first:start], everything[start:end]))
        start = end
    return requests
