"""Divisors, against trying every number."""

import time

import pytest

from gpt25.training.loop.divisors import divisors


@pytest.mark.parametrize("number", [1, 2, 12, 16, 36, 97, 512, 1001])
def test_all_of_them_rising(number: int) -> None:
    assert divisors(number) == [each for each in range(1, number + 1) if number % each == 0]


def test_a_trillion_takes_no_time() -> None:
    before = time.monotonic()
    assert len(divisors(1 << 40)) == 41
    assert time.monotonic() - before < 30
