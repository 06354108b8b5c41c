"""The numbers are torch's own, which every seed that somebody has written down was drawn with."""

import random

import pytest
import torch

from gpt25.runtime import UniformNumbers, derive_seed

SEEDS = [0, 1, 2, 42, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 32) + 42, (1 << 63) - 1]


@pytest.mark.parametrize("seed", SEEDS)
def test_they_are_torchs_beyond_the_end_of_its_state(seed: int) -> None:
    generator, numbers = torch.Generator().manual_seed(seed), UniformNumbers(seed)
    expected = [torch.rand((), dtype=torch.float64, generator=generator).item() for _ in range(2000)]
    assert [numbers.next() for _ in range(2000)] == expected


def test_they_are_torchs_for_many_seeds() -> None:
    for number in range(300):
        seed = derive_seed(number, "sample", number % 7)
        generator, numbers = torch.Generator().manual_seed(seed), UniformNumbers(seed)
        for _ in range(3):
            assert numbers.next() == torch.rand((), dtype=torch.float64, generator=generator).item()


def test_others_numbers_are_left_alone() -> None:
    random.seed(5)
    expected = random.random()
    random.seed(5)
    UniformNumbers(1).next()
    assert random.random() == expected
