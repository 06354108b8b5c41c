"""Greedy generation up to a stop string, for generative tasks."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field

import torch

from gpt25.model import GPTModel, KeyValueCache, evaluating
from gpt25.tokenizer import SpecialTokens, Tokenizer

_MOST_ROWS = 32
_MOST_POSITIONS = 16_384  # of all rows together; their keys and values of the 124M in float32 are 1.2 GB
_LARGEST_SPREAD = 64  # tokens between the shortest and the longest context of a batch; they are read one by one


@dataclass
class _Row:
    """One text while it grows."""

    number: int
    """Which of the contexts it continues."""
    context: list[int]
    generated: list[int] = field(default_factory=list)
    text: str = ""


def greedy_texts(
    model: GPTModel,
    tokenizer: Tokenizer,
    contexts: Sequence[str],
    *,
    stops: Sequence[str],
    max_new_tokens: int,
    special_tokens: SpecialTokens = "text",
) -> list[str]:
    """The continuations of some contexts, each without the stop that ended it, in the contexts' order.

    Each ends before one of `stops`, at a token that ends a text or after `max_new_tokens`, which must be fewer than
    the block holds. A context that leaves no room for them is cut on the left, as lm-evaluation-harness does.
    special_tokens: see Tokenizer.encode.

    The texts are those that each context would get alone: contexts of like length are read together up to where the
    shortest ends, and from there on a row takes its own next token as long as its context has one.
    """
    block_size = model.configuration.block_size
    assert 1 <= max_new_tokens < block_size
    room = block_size - max_new_tokens
    rows = [
        _Row(number, tokenizer.encode(context, special_tokens=special_tokens)[-room:] or [tokenizer.end_of_text_id])
        for number, context in enumerate(contexts)
    ]
    with evaluating(model):
        for batch in _batches(rows, max_new_tokens):
            _continue(model, tokenizer, batch, stops, max_new_tokens)
    return [row.text for row in rows]


def _batches(rows: Sequence[_Row], max_new_tokens: int) -> Iterator[list[_Row]]:
    """Rows of like length, the longest first, so that too little memory shows at once."""
    batch: list[_Row] = []
    for row in sorted(rows, key=lambda row: -len(row.context)):
        if batch:
            longest = len(batch[0].context)
            most = min(_MOST_ROWS, _MOST_POSITIONS // (longest + max_new_tokens))
            if len(batch) >= most or longest - len(row.context) > _LARGEST_SPREAD:
                yield batch
                batch = []
        batch.append(row)
    if batch:
        yield batch


def _continue(
    model: GPTModel, tokenizer: Tokenizer, rows: list[_Row], stops: Sequence[str], max_new_tokens: int
) -> None:
    """Write the text of every row of one batch."""
    weight = model.transformer.word_token_embeddings.weight
    cache = KeyValueCache(
        model.configuration,
        batch_size=len(rows),
        capacity=len(rows[0].context) + max_new_tokens,
        device=weight.device,
        dtype=weight.dtype,
    )
    end_ids = model.end_ids(tokenizer.end_of_text_id)
    shortest = len(rows[-1].context)
    input_ids = [row.context[:shortest] for row in rows]
    while rows:
        hidden = model.hidden_states(
            torch.tensor(input_ids, device=weight.device), cache=cache
        )  # (rows, time, channels)
        likeliest = model.language_modeling_head(hidden[:, -1]).argmax(dim=-1).tolist()  # (rows)
        input_ids, unfinished = [], []
        for index, (row, token) in enumerate(zip(rows, likeliest, strict=True)):
            if cache.length < len(row.context):
                input_ids.append([row.context[cache.length]])
                unfinished.append(index)
            elif not _is_finished(row, token, end_ids, tokenizer, stops, max_new_tokens):
                input_ids.append([token])
                unfinished.append(index)
        if 0 < len(unfinished) < len(rows):
            cache.keep_rows(unfinished)
        rows = [rows[index] for index in unfinished]


def _is_finished(
    row: _Row, token: int, end_ids: Container[int], tokenizer: Tokenizer, stops: Sequence[str], max_new_tokens: int
) -> bool:
    """Whether the row's text is complete with this token, which is added to it unless it is one that ends a text."""
    if token in end_ids:
        return True
    row.generated.append(token)
    text = tokenizer.decode(row.generated)
    row.text = text
    for stop in stops:  # one after the other, so that of two that overlap the one named first counts
        row.text = row.text.partition(stop)[0]
    return row.text != text or len(row.generated) >= max_new_tokens
