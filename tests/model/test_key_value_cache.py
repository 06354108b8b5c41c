from collections.abc import Callable

import pytest
import torch

from gpt25.errors import ConfigurationError
from gpt25.model import GPTConfiguration, GPTModel, KeyValueCache


@pytest.mark.parametrize(
    "steps", [[12], [1] * 12, [5, 1, 1, 1, 4], [1, 11], [11, 1], [3, 3, 3, 3], [1, 2, 4, 5], [6, 1, 5]], ids=str
)
def test_cached_equals_uncached(make_model: Callable[..., GPTModel], steps: list[int]) -> None:
    model = make_model(number_of_layers=3, number_of_heads=4)
    indices = torch.randint(0, 23, (3, 12), generator=torch.Generator().manual_seed(2))
    cache = KeyValueCache(model.configuration, batch_size=3)
    with torch.no_grad():
        full = model(indices)  # (3, 12, 23)
        pieces = [model(piece, cache=cache) for piece in indices.split(steps, dim=1)]
    assert cache.length == 12
    torch.testing.assert_close(torch.cat(pieces, dim=1), full, rtol=0, atol=1e-5)


def test_a_cache_needs_no_more_memory_than_is_used(make_model: Callable[..., GPTModel]) -> None:
    model = make_model()
    indices = torch.randint(0, 23, (1, 5), generator=torch.Generator().manual_seed(2))
    cache = KeyValueCache(model.configuration, batch_size=1, capacity=5)
    with torch.no_grad():
        model(indices[:, :4], cache=cache)
        last = model(indices[:, 4:], cache=cache)
        torch.testing.assert_close(last[:, 0], model(indices)[:, 4], rtol=0, atol=1e-5)
        with pytest.raises(ConfigurationError, match="6 positions do not fit a cache of 5"):
            model(indices[:, :1], cache=cache)
    assert cache.length == 5


def test_rows_can_be_dropped_repeated_and_reordered(make_model: Callable[..., GPTModel]) -> None:
    model = make_model()
    indices = torch.randint(0, 23, (3, 6), generator=torch.Generator().manual_seed(3))
    cache = KeyValueCache(model.configuration, batch_size=3)
    with torch.no_grad():
        model(indices[:, :5], cache=cache)
        cache.keep_rows([2, 0, 2, 2])
        assert cache.batch_size == 4
        last = model(indices[[2, 0, 2, 2], 5:], cache=cache)
        expected = model(indices)[[2, 0, 2, 2], 5:]
    torch.testing.assert_close(last, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("capacity", [0, -3, 13])
def test_a_capacity_that_the_model_cannot_read_is_refused(capacity: int) -> None:
    configuration = GPTConfiguration(block_size=12)
    with pytest.raises(ConfigurationError, match=f"a cache of {capacity} positions does not fit a model that reads 12"):
        KeyValueCache(configuration, batch_size=1, capacity=capacity)


def test_the_block_size_counts_what_the_cache_holds(make_model: Callable[..., GPTModel]) -> None:
    model = make_model()
    cache = KeyValueCache(model.configuration, batch_size=1)
    with torch.no_grad():
        model(torch.zeros(1, 9, dtype=torch.int64), cache=cache)
        with pytest.raises(ConfigurationError, match="13 tokens are more than the block size of 12"):
            model(torch.zeros(1, 4, dtype=torch.int64), cache=cache)
