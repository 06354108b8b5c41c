import random

import pytest

from gpt25.evaluation.scoring.plan import PrefixTree, make_plan
from gpt25.evaluation.scoring.request import Request


def questions(count: int, choices: int = 4, seed: int = 1) -> list[Request]:
    chance = random.Random(seed)
    requests = []
    for _ in range(count):
        context = (1, 2, *(chance.randrange(50) for _ in range(chance.randrange(10, 60))))
        for _ in range(choices):
            requests.append(Request(context, tuple(chance.randrange(50) for _ in range(chance.randrange(1, 20)))))
    return requests


def plan(requests: list[Request], **changes: int) -> list[list[PrefixTree]]:
    return make_plan(requests, **({"block_size": 100, "batch_tokens": 512, "pairs_per_token": 1500} | changes))


def number_of_tokens(passes: list[list[PrefixTree]]) -> int:
    return sum(len(tree.tokens) for trees in passes for tree in trees)


def way_to(tree: PrefixTree, token: int) -> list[int]:
    """The tokens from the root to one, found by going back."""
    follows = {number: number - 1 for number in range(1, len(tree.tokens))} | dict(tree.branches)
    way = [token]
    while way[-1]:
        way.append(follows[way[-1]])
    return way[::-1]


@pytest.mark.parametrize("batch_tokens", [1, 40, 512, 100_000])
@pytest.mark.parametrize("pairs_per_token", [0, 100, 5000])
def test_every_request_is_answered_once_where_it_stands(batch_tokens: int, pairs_per_token: int) -> None:
    requests = questions(30)
    seen = []
    for trees in plan(requests, batch_tokens=batch_tokens, pairs_per_token=pairs_per_token):
        assert len(trees[0].tokens) == max(len(tree.tokens) for tree in trees)
        assert number_of_tokens([trees]) <= batch_tokens or (len(trees) == 1 and not trees[0].branches)
        for tree in trees:
            for number, predicting in tree.requests:
                whole = requests[number].context + requests[number].continuation
                way = way_to(tree, predicting[-1])
                assert predicting == way[-len(requests[number].continuation) :]
                assert tuple(tree.tokens[token] for token in way) == whole[-len(way) - 1 : -1]
                assert [tree.positions[token] for token in way] == list(range(len(way)))
                seen.append(number)
    assert sorted(seen) == list(range(len(requests)))


def test_what_choices_share_is_read_once() -> None:
    requests = questions(40)
    everything = sum(len(request.context) + len(request.continuation) - 1 for request in requests)
    least = sum(len(request.context) for request in requests[::4])
    least += sum(len(request.continuation) - 1 for request in requests)
    read = number_of_tokens(plan(requests))
    assert read <= least < 0.7 * everything  # less where two endings begin alike


def test_a_question_and_its_answers_are_one_tree() -> None:
    requests = [Request(tuple(range(10, 20)), ending) for ending in ((1, 2, 3), (1, 4), (5, 6, 7))]
    ((tree,),) = plan(requests)
    assert tree.tokens == [*range(10, 20), 1, 2, 5, 6]
    assert tree.positions == [*range(12), 10, 11]
    assert tree.branches == [(12, 9)]
    assert sorted(tree.requests) == [(0, [9, 10, 11]), (1, [9, 10]), (2, [9, 12, 13])]


def test_requests_with_the_same_inputs_are_one_row() -> None:
    context = tuple(range(20))
    ((tree,),) = plan([Request(context, (answer,)) for answer in (1, 2, 3)])
    assert tree.tokens == list(context)
    assert tree.requests == [(0, [19]), (1, [19]), (2, [19])]


def test_short_common_beginnings_are_not_worth_a_tree() -> None:
    requests = [Request((1, 2, 3, number), (4, 5)) for number in range(10, 20)]
    assert [len(trees) for trees in plan(requests)] == [10]


def test_a_tree_ends_where_its_pairs_cost_more_than_its_beginning() -> None:
    requests = [Request(tuple(range(60)), (number, *range(39), 0)) for number in range(20)]
    ((whole,),) = plan(requests, batch_tokens=10_000, pairs_per_token=10**9)
    assert len(whole.tokens) == 60 + 20 * 40
    # At 300 tokens 40 more are 340² - 300² pairs, less 100² in a tree of their own: 15,600; 60 tokens cost 15,000.
    sizes = [len(tree.tokens) for trees in plan(requests, pairs_per_token=250) for tree in trees]
    assert sizes == [300, 300, 300, 140]


def test_trees_of_unlike_sizes_are_read_in_passes_of_their_own() -> None:
    requests = [Request(tuple(range(90)), (1,)), *(Request((number,), (1,)) for number in range(30))]
    assert [len(trees) for trees in plan(requests, pairs_per_token=1000)] == [1, 30]
    assert [len(trees) for trees in plan(requests, pairs_per_token=100_000)] == [31]


def test_a_long_context_is_cut_on_the_left() -> None:
    ((tree,),) = plan([Request(tuple(range(200)), (7, 8, 9))])
    assert tree.tokens == [*range(102, 200), 7, 8]
    assert tree.requests == [(0, [97, 98, 99])]


def test_nothing_is_planned_for_nothing() -> None:
    assert plan([]) == []
