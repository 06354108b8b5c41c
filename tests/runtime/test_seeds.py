"""Seeds are the same everywhere, and every path has its own."""

import torch

from gpt25.runtime import derive_seed, generator_for


def test_seed_is_the_same_for_ever() -> None:
    # A number written down, so that neither the process (Python salts its own hashes) nor a release can change it.
    assert derive_seed(42, "data", 3) == 6647292736991846033


def test_seed_has_63_bits() -> None:
    seeds = [derive_seed(number, "x") for number in range(200)]
    assert min(seeds) >= 0
    assert 2**62 < max(seeds) < 2**63


def test_paths_do_not_collide() -> None:
    paths = [(), (1,), ("1",), ("a", "b"), ("ab",), ("a", "b", ""), ("a, b",), (1, 2), (12,), ('a", "b',)]
    assert len({derive_seed(7, *path) for path in paths}) == len(paths)
    assert derive_seed(7, "a") != derive_seed(8, "a")


def test_generator_repeats_its_stream_and_leaves_the_global_one() -> None:
    before = torch.random.get_rng_state()
    first = torch.rand(4, generator=generator_for(1, "dropout"))  # (4,)
    again = torch.rand(4, generator=generator_for(1, "dropout"))  # (4,)
    other = torch.rand(4, generator=generator_for(1, "sampling"))  # (4,)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.random.get_rng_state())
