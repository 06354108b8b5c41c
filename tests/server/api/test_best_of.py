"""The best of several texts."""

from statistics import fmean
from typing import Any


def test_the_best_are_those_of_the_highest_mean_log_probability(server: Any) -> None:
    fields = {"prompt": ["One", "Two"], "max_tokens": 12, "seed": 4, "logit_bias": {"256": -100}}
    everything = server.complete(**fields, n=9, logprobs=0)["choices"]
    expected = []
    for choices in (everything[:9], everything[9:]):
        by_mean = sorted(choices, key=lambda choice: fmean(choice["logprobs"]["token_logprobs"]), reverse=True)
        expected += [choice["text"] for choice in by_mean[:2]]
    answer = server.complete(**fields, n=2, best_of=9)
    assert [choice["text"] for choice in answer["choices"]] == expected
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    assert all(choice["logprobs"] is None for choice in answer["choices"])
    assert answer["usage"] == {"prompt_tokens": 6, "completion_tokens": 2 * 9 * 12, "total_tokens": 6 + 2 * 9 * 12}


def test_the_best_have_their_log_probabilities(server: Any) -> None:
    answer = server.complete(prompt="x", n=1, best_of=4, logprobs=1, max_tokens=5, logit_bias={"256": -100})
    assert len(answer["choices"][0]["logprobs"]["tokens"]) == 5


def test_best_of_as_many_as_are_wanted_leaves_their_order(server: Any) -> None:
    plain = server.complete(prompt="x", n=3, seed=1)
    assert server.complete(prompt="x", n=3, best_of=3, seed=1)["choices"] == plain["choices"]
