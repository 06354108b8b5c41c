"""Assignments of about equal cost, of every matrix once, and the operations that they are measured by."""

import itertools

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from gpt25.training.optimizers.orthogonalisation_rounds import orthogonalisation_group_size, orthogonalisation_rounds
from gpt25.training.optimizers.orthogonalise import orthogonalisation_operations, orthogonalise

# Of a layer: query, key, value and the attention's projection; the expansion and the projection back.
LAYER = [(64, 64)] * 4 + [(64, 256)] * 2


@pytest.mark.parametrize("shape", [(8, 8), (8, 32), (16, 24)])
def test_operations_are_those_that_torch_counts(shape: tuple[int, int]) -> None:
    with FlopCounterMode(display=False) as counter:
        orthogonalise(torch.randn(1, *shape))
    assert counter.get_total_flops() == orthogonalisation_operations(*shape)


@pytest.mark.parametrize("layers", [1, 4, 12])
@pytest.mark.parametrize("group_size", [1, 2, 3, 7, 8])
def test_every_matrix_has_one_place_and_no_rank_much_more_than_another(layers: int, group_size: int) -> None:
    shapes = LAYER * layers
    rounds = orthogonalisation_rounds(shapes, group_size)
    assert [each.shape for each in rounds] == [(64, 256), (64, 64)]  # the large ones are gathered first
    assigned = [position for each in rounds for own in each.assignments for position in own]
    assert sorted(assigned) == list(range(len(shapes)))
    loads = [sum(_cost(each.shape) * len(each.assignments[rank]) for each in rounds) for rank in range(group_size)]
    # Nobody could have given its last matrix to somebody with less.
    assert max(loads) - min(loads) <= _cost((64, 256))
    assert max(loads) <= 4 / 3 * max(sum(loads) / group_size, _cost((64, 256)))


def _cost(shape: tuple[int, int]) -> int:
    return orthogonalisation_operations(*shape)


def test_equal_assignments_leave_no_slot_empty() -> None:
    """12 layers for 8 ranks: 24 and 48 matrices, three and six each."""
    oblong, square = orthogonalisation_rounds(LAYER * 12, 8)
    assert (oblong.slots, square.slots) == (3, 6)
    assert oblong.gathered_elements == 24 * 64 * 256
    assert square.gathered_elements == 48 * 64 * 64


def test_slots_are_where_the_matrices_of_all_ranks_lie() -> None:
    (only,) = orthogonalisation_rounds([(4, 4)] * 5, 2)
    assert [len(own) for own in only.assignments] == [3, 2]
    laid = list(itertools.chain.from_iterable([*own, *["none"] * (only.slots - len(own))] for own in only.assignments))
    assert [laid[only.slot_of(position)] for position in range(5)] == list(range(5))


@pytest.mark.parametrize(("ranks", "group_size"), [(1, 1), (2, 2), (8, 8), (9, 3), (11, 1), (12, 6), (16, 8), (64, 8)])
def test_so_many_neighbours_make_a_group(ranks: int, group_size: int) -> None:
    assert orthogonalisation_group_size(ranks) == group_size
