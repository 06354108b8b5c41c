"""In which passes through a model some requests are answered, so that what they share is read once.

Everything here is arithmetic on token ids. A pass costs what its tokens cost plus something that does not depend on
them (reading the weights on a processor, launching kernels on a GPU); `overhead_tokens` is that something in tokens.
Every choice below spends at most that much on padding to save a pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from gpt25.errors import EvaluationError
from gpt25.evaluation.request import Request

_SHORTEST_PREFIX = 8  # tokens; reading less than that once more is cheaper than another pass


@dataclass
class Row:
    """One sequence of input tokens, and which requests are answered where in it.

    The logits at `first`, `first + 1`, … predict the tokens of a request's continuation.
    """

    tokens: tuple[int, ...]
    asked: list[tuple[int, int]] = field(default_factory=list)
    """(number of the request, first)"""


@dataclass
class Group:
    """Rows that begin with the same `prefix_length` tokens and go on after them."""

    rows: list[Row]
    prefix_length: int


@dataclass
class Batch:
    """Groups whose prefixes are read together, cut to one length; 0 means that there is nothing shared to read."""

    groups: list[Group]
    prefix_length: int
    passes: list[list[tuple[int, Row]]]
    """Rows that are read together behind the prefix, each with the number of its group, the longest first."""

    @property
    def number_of_tokens(self) -> int:
        """Tokens that the model reads, padding included."""
        behind = sum(len(rows) * (len(rows[0][1].tokens) - self.prefix_length) for rows in self.passes)
        return len(self.groups) * self.prefix_length + behind


def make_plan(
    requests: Sequence[Request], *, block_size: int, batch_tokens: int, cache_tokens: int, overhead_tokens: int
) -> list[Batch]:
    """Batches that answer all requests, those with the longest rows first, so that too little memory shows at once.

    block_size: context and continuation are cut on the left to this many inputs (and one more token to predict).
    batch_tokens: most tokens, padding included, of one pass, unless one row alone has more.
    cache_tokens: most positions that the key-value cache of one pass holds.
    """
    groups = _groups(_rows(requests, block_size))
    batches = []
    start = 0
    while start < len(groups):
        end = _end_of_batch(groups, start, min(batch_tokens, cache_tokens), overhead_tokens)
        together = groups[start:end]
        prefix = together[-1].prefix_length
        rows = sorted(
            ((number, row) for number, group in enumerate(together) for row in group.rows),
            key=lambda numbered: (-len(numbered[1].tokens), numbered[1].tokens),
        )
        lengths = [len(row.tokens) for _, row in rows]
        passes = []
        place = 0
        while place < len(rows):
            stop = _end_of_pass(lengths, place, prefix, batch_tokens, cache_tokens, overhead_tokens)
            passes.append(rows[place:stop])
            place = stop
        batches.append(Batch(together, prefix, passes))
        start = end
    return sorted(batches, key=lambda batch: -max(len(rows[0][1].tokens) for rows in batch.passes))


def _rows(requests: Sequence[Request], block_size: int) -> list[Row]:
    """One row for all requests that have the same inputs, sorted, so that neighbours share the most."""
    rows: dict[tuple[int, ...], Row] = {}
    for number, request in enumerate(requests):
        scored = len(request.continuation)
        if scored > block_size:
            raise EvaluationError(
                f"a continuation of {scored:,} tokens is longer than the model's block size of {block_size:,}; cut the "
                "text into windows first."
            )
        tokens = (request.context[-(block_size + 1 - scored) :] + request.continuation)[:-1]
        row = rows.setdefault(tokens, Row(tokens))
        row.asked.append((number, len(tokens) - scored))
    return sorted(rows.values(), key=lambda row: row.tokens)


def _common_length(one: tuple[int, ...], other: tuple[int, ...], most: int) -> int:
    """How many tokens two sequences begin with in common, at most `most`."""
    for place in range(min(most, len(one), len(other))):
        if one[place] != other[place]:
            return place
    return min(most, len(one), len(other))


def _groups(rows: Sequence[Row]) -> list[Group]:
    """Neighbours together while that makes the number of tokens that need not be read again grow."""
    shared = [
        _common_length(one.tokens, other.tokens, min(len(one.tokens), len(other.tokens)) - 1)
        for one, other in pairwise(rows)
    ] + [0]
    groups: list[Group] = []
    for number, row in enumerate(rows):
        if groups:
            group = groups[-1]
            rows_there = len(group.rows)
            common = min(group.prefix_length, shared[number - 1])
            saves_more = rows_there * common > (rows_there - 1) * group.prefix_length
            # The first of the next item shares its opening words with the last of this one, and more with its own.
            has_a_better_neighbour = rows_there == 1 and shared[number] > 2 * common
            if common >= _SHORTEST_PREFIX and saves_more and not has_a_better_neighbour:
                group.rows.append(row)
                group.prefix_length = common
                continue
        groups.append(Group([row], len(row.tokens) - 1))
    for group in groups:
        if len(group.rows) == 1:
            group.prefix_length = 0
    return sorted(groups, key=lambda group: (-group.prefix_length, -max(len(row.tokens) for row in group.rows)))


def _end_of_batch(groups: Sequence[Group], start: int, most_tokens: int, overhead_tokens: int) -> int:
    """Up to which group (not included) the prefixes are read together; groups come with the longest prefix first.

    Where there is no prefix, all that is left is one batch: it has nothing to hold in common.
    """
    if groups[start].prefix_length == 0:
        return len(groups)
    wasted = rows = 0
    end = start
    while end < len(groups) and groups[end].prefix_length:
        shorter = groups[end - 1].prefix_length - groups[end].prefix_length if end > start else 0
        wasted += rows * shorter  # every row so far reads these tokens itself
        fits = (end + 1 - start) * groups[start].prefix_length <= most_tokens
        if end > start and not (wasted <= overhead_tokens and fits):
            break
        rows += len(groups[end].rows)
        end += 1
    return end


def _end_of_pass(
    lengths: Sequence[int], start: int, prefix: int, batch_tokens: int, cache_tokens: int, overhead_tokens: int
) -> int:
    """Up to which row (not included) the rows are read together; they come with the longest first."""
    longest = lengths[start]
    wasted = 0
    end = start + 1
    while end < len(lengths):
        wasted += longest - lengths[end]
        rows = end + 1 - start
        fits = rows * (longest - prefix) <= batch_tokens and (not prefix or rows * longest <= cache_tokens)
        if not fits or wasted > overhead_tokens:
            break
        end += 1
    return end
