import random

import pytest

from gpt25.evaluation.plan import Batch, make_plan
from gpt25.evaluation.request import Request


def questions(count: int, choices: int = 4, seed: int = 1) -> list[Request]:
    chance = random.Random(seed)
    requests = []
    for _ in range(count):
        context = (1, 2, *(chance.randrange(50) for _ in range(chance.randrange(10, 60))))
        for _ in range(choices):
            requests.append(Request(context, tuple(chance.randrange(50) for _ in range(chance.randrange(1, 20)))))
    return requests


def plan(requests: list[Request], **changes: int) -> list[Batch]:
    settings = {"block_size": 100, "batch_tokens": 512, "cache_tokens": 4096, "overhead_tokens": 16} | changes
    return make_plan(requests, **settings)


@pytest.mark.parametrize("batch_tokens", [1, 40, 512, 100_000])
@pytest.mark.parametrize("overhead_tokens", [0, 16, 2048])
def test_every_request_is_answered_once_where_it_stands(batch_tokens: int, overhead_tokens: int) -> None:
    requests = questions(30)
    seen = []
    for batch in plan(requests, batch_tokens=batch_tokens, overhead_tokens=overhead_tokens):
        for rows in batch.passes:
            longest = max(len(row.tokens) for _, row in rows)
            assert len(rows[0][1].tokens) == longest
            assert len(rows) == 1 or len(rows) * (longest - batch.prefix_length) <= batch_tokens
            for group, row in rows:
                prefix = batch.groups[group].rows[0].tokens[: batch.prefix_length]
                assert row.tokens[: batch.prefix_length] == prefix
                for number, first in row.asked:
                    request = requests[number]
                    seen.append(number)
                    whole = request.context + request.continuation
                    assert row.tokens == whole[-len(row.tokens) - 1 : -1]
                    assert first == len(row.tokens) - len(request.continuation)
                    assert len(row.tokens) > batch.prefix_length
    assert sorted(seen) == list(range(len(requests)))


def test_shared_contexts_are_read_once() -> None:
    requests = questions(40)
    everything = sum(len(request.context) + len(request.continuation) - 1 for request in requests)
    least = sum(len(request.context) for request in requests[::4])
    least += sum(len(request.continuation) - 1 for request in requests)
    read = sum(batch.number_of_tokens for batch in plan(requests))
    assert least < read < 1.2 * least < 0.7 * everything


def test_requests_with_the_same_inputs_are_one_row() -> None:
    context = tuple(range(20))
    (batch,) = plan([Request(context, (answer,)) for answer in (1, 2, 3)])
    assert batch.prefix_length == 0
    ((numbered,),) = batch.passes
    assert numbered[1].asked == [(0, 19), (1, 19), (2, 19)]
    assert batch.number_of_tokens == 20


def test_short_common_beginnings_are_not_worth_a_pass() -> None:
    requests = [Request((1, 2, 3, number), (4, 5)) for number in range(10, 20)]
    assert [batch.prefix_length for batch in plan(requests)] == [0]


def test_the_cache_bounds_how_many_rows_are_read_behind_a_prefix() -> None:
    context = tuple(range(60))
    requests = [Request(context, (number, 1, 2)) for number in range(10)]
    (batch,) = plan(requests, cache_tokens=200)
    assert batch.prefix_length == 60
    assert max(map(len, batch.passes)) == 3  # 3 rows of 62 positions


def test_a_long_context_is_cut_on_the_left() -> None:
    (batch,) = plan([Request(tuple(range(200)), (7, 8, 9))])
    (((_, row),),) = batch.passes
    assert row.tokens == (*range(102, 200), 7, 8)
    assert row.asked == [(0, 97)]


def test_nothing_is_planned_for_nothing() -> None:
    assert plan([]) == []
