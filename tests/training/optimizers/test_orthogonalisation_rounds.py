"""Shares of about equal cost, of every matrix once, and the operations that they are measured by."""

import itertools

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from gpt25.training.optimizers.orthogonalisation_rounds import number_of_sharers, orthogonalisation_rounds
from gpt25.training.optimizers.orthogonalise import orthogonalisation_operations, orthogonalise

# Of a layer: query, key, value and the attention's projection; the expansion and the projection back.
LAYER = [(64, 64)] * 4 + [(64, 256)] * 2


@pytest.mark.parametrize("shape", [(8, 8), (8, 32), (16, 24)])
def test_operations_are_those_that_torch_counts(shape: tuple[int, int]) -> None:
    with FlopCounterMode(display=False) as counter:
        orthogonalise(torch.randn(1, *shape))
    assert counter.get_total_flops() == orthogonalisation_operations(*shape)


@pytest.mark.parametrize("layers", [1, 4, 12])
@pytest.mark.parametrize("sharers", [1, 2, 3, 7, 8])
def test_every_matrix_has_one_place_and_no_rank_much_more_than_another(layers: int, sharers: int) -> None:
    shapes = LAYER * layers
    rounds = orthogonalisation_rounds(shapes, sharers)
    assert [each.shape for each in rounds] == [(64, 256), (64, 64)]  # the large ones travel first
    shared = [position for each in rounds for share in each.shares for position in share]
    assert sorted(shared) == list(range(len(shapes)))
    loads = [sum(_cost(each.shape) * len(each.shares[rank]) for each in rounds) for rank in range(sharers)]
    # Nobody could have given its last matrix to somebody with less.
    assert max(loads) - min(loads) <= _cost((64, 256))
    assert max(loads) <= 4 / 3 * max(sum(loads) / sharers, _cost((64, 256)))


def _cost(shape: tuple[int, int]) -> int:
    return orthogonalisation_operations(*shape)


def test_equal_shares_leave_no_slot_empty() -> None:
    """12 layers for 8 ranks: 24 and 48 matrices, three and six each."""
    oblong, square = orthogonalisation_rounds(LAYER * 12, 8)
    assert (oblong.slots, square.slots) == (3, 6)
    assert oblong.exchanged_elements == 24 * 64 * 256
    assert square.exchanged_elements == 48 * 64 * 64


def test_slots_are_where_the_matrices_of_all_sharers_lie() -> None:
    (only,) = orthogonalisation_rounds([(4, 4)] * 5, 2)
    assert [len(share) for share in only.shares] == [3, 2]
    laid = list(itertools.chain.from_iterable([*share, *["none"] * (only.slots - len(share))] for share in only.shares))
    assert [laid[only.slot_of(position)] for position in range(5)] == list(range(5))


@pytest.mark.parametrize(("ranks", "sharers"), [(1, 1), (2, 2), (8, 8), (9, 3), (11, 1), (12, 6), (16, 8), (64, 8)])
def test_so_many_neighbours_share(ranks: int, sharers: int) -> None:
    assert number_of_sharers(ranks) == sharers
