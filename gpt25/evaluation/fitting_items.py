"""Items that cannot be requests to a model: named, or left out and counted."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from gpt25.errors import EvaluationError
from gpt25.evaluation.scoring.encoding import Encoding, encode_request
from gpt25.evaluation.scoring.measurement import Measurement
from gpt25.tokenizer import Tokenizer

T = TypeVar("T")


def score_fitting(
    items: Sequence[T],
    score_items: Callable[[Sequence[T]], list[Measurement]],
    *,
    pairs_of: Callable[[T], Iterable[tuple[str, str]]],
    tokenizer: Tokenizer,
    encoding: Encoding,
    block_size: int,
    skip_invalid: bool,
) -> list[Measurement]:
    """What `score_items` measures; an item that it refuses is named, or left out with a count in every definition.

    pairs_of: an item's pairs of context and continuation. Only after a refusal are the items looked at one by one.
    """
    try:
        return score_items(items)
    except EvaluationError:
        unfit = {}
        for number, item in enumerate(items, 1):
            reason = _reason(pairs_of(item), tokenizer, encoding, block_size)
            if reason is not None:
                unfit[number] = reason
        if not unfit:
            raise
        first = f"item {next(iter(unfit)):,}: {next(iter(unfit.values()))}"
        if not skip_invalid or len(unfit) == len(items):
            raise EvaluationError(f"{first}. Leave such items out, counted, with --skip-invalid.") from None
    kept = [item for number, item in enumerate(items, 1) if number not in unfit]
    note = f"; {len(unfit):,} of {len(items):,} items left out, such as {first}"
    return [dataclasses.replace(each, definition=each.definition + note) for each in score_items(kept)]


def _reason(pairs: Iterable[tuple[str, str]], tokenizer: Tokenizer, encoding: Encoding, block_size: int) -> str | None:
    for context, continuation in pairs:
        try:
            length = len(encode_request(tokenizer, context, continuation, encoding=encoding).continuation)
        except EvaluationError as problem:
            return str(problem).rstrip(".")
        if length > block_size:
            return f"an answer of {length:,} tokens is longer than the model's block of {block_size:,}"
    return None
