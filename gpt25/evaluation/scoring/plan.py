"""In which forward passes requests are answered, so that shared prefixes are read once.

Everything here is arithmetic on token ids. Rows with a common prefix become one tree, which branches where they differ;
a pass reads several trees. What a token costs in the linear layers and what a pair of tokens costs in attention decide
what is worth a tree: a long tree saves tokens and has many pairs, most of which are of different branches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gpt25.errors import EvaluationError
from gpt25.evaluation.scoring.request import Request

_SHORTEST_PREFIX = 4  # tokens; a shorter common prefix is not worth the pairs
_LARGEST_TREE = 4096  # tokens; its pairs, as a mask of float32, are 64 MiB
_LARGEST_PADDING_FRACTION = 1 / 16  # of a pass's work in its linear layers, at most, may go into attention to padding


@dataclass
class PrefixTree:
    """A prefix tree: tokens, each after its parent, and at which of them requests are answered."""

    tokens: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    """How many tokens stand between each and the root."""
    branches: list[tuple[int, int]] = field(default_factory=list)
    """(token, its parent) wherever that is not the one before it in `tokens`."""
    requests: list[tuple[int, list[int]]] = field(default_factory=list)
    """(index of a request, the tokens whose logits predict its continuation)"""


@dataclass
class _Row:
    """One sequence of input tokens; the logits at the last `scored` of them are a request's."""

    tokens: tuple[int, ...]
    requests: list[tuple[int, int]] = field(default_factory=list)
    """(index of the request, scored)"""


def make_plan(
    requests: Sequence[Request], *, block_size: int, batch_tokens: int, pairs_per_token: float
) -> list[list[PrefixTree]]:
    """Passes that answer all requests, those with the largest trees first, so that too little memory shows at once.

    block_size: context and continuation are cut on the left to this many inputs (and one more token to predict).
    batch_tokens: most tokens of one pass, unless one row alone has more.
    pairs_per_token: how many pairs in attention cost as much as one token in the linear layers.
    """
    trees = _trees(_rows(requests, block_size), min(batch_tokens, _LARGEST_TREE), pairs_per_token)
    passes: list[list[PrefixTree]] = []
    tokens = wasted_pairs = 0
    for tree in sorted(trees, key=lambda tree: -len(tree.tokens)):
        size = len(tree.tokens)
        if passes:
            tokens += size
            wasted_pairs += len(passes[-1][0].tokens) ** 2 - size**2
            if tokens <= batch_tokens and wasted_pairs <= _LARGEST_PADDING_FRACTION * tokens * pairs_per_token:
                passes[-1].append(tree)
                continue
        passes.append([tree])
        tokens, wasted_pairs = size, 0
    return passes


def _rows(requests: Sequence[Request], block_size: int) -> list[_Row]:
    """One row for all requests that have the same inputs, sorted, so that neighbours share the most."""
    rows: dict[tuple[int, ...], _Row] = {}
    for number, request in enumerate(requests):
        scored = len(request.continuation)
        if scored > block_size:
            raise EvaluationError(
                f"a continuation of {scored:,} tokens is longer than the model's block size of {block_size:,}; cut the "
                "text into windows first."
            )
        tokens = (request.context[-(block_size + 1 - scored) :] + request.continuation)[:-1]
        rows.setdefault(tokens, _Row(tokens)).requests.append((number, scored))
    return sorted(rows.values(), key=lambda row: row.tokens)


def _trees(rows: Sequence[_Row], largest_tree: int, pairs_per_token: float) -> list[PrefixTree]:
    """Each row branches off the tree of the one before it, behind their common prefix, where that costs less."""
    trees: list[PrefixTree] = []
    path: list[int] = []  # the tokens of the last tree from its root to the end of the last row
    before: tuple[int, ...] = ()
    for row in rows:
        common = common_prefix_length(before, row.tokens)
        alone, added = len(row.tokens), len(row.tokens) - common
        size = len(trees[-1].tokens) if trees else 0
        more_pairs = (size + added) ** 2 - size**2 - alone**2
        joins = common >= _SHORTEST_PREFIX and more_pairs <= common * pairs_per_token
        if not (joins and size + added <= largest_tree):
            trees.append(PrefixTree())
            common, size = 0, 0
        path = path[:common]
        tree = trees[-1]
        if path and path[-1] != size - 1:
            tree.branches.append((size, path[-1]))
        tree.tokens.extend(row.tokens[common:])
        tree.positions.extend(range(common, alone))
        path.extend(range(size, len(tree.tokens)))
        tree.requests.extend((number, path[alone - scored :]) for number, scored in row.requests)
        before = row.tokens
    return trees


def common_prefix_length(one: Sequence[int], other: Sequence[int]) -> int:
    """The length of the common prefix of two sequences."""
    for index, (first, second) in enumerate(zip(one, other, strict=False)):
        if first != second:
            return index
    return min(len(one), len(other))
