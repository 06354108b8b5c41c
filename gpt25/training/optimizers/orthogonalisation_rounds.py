"""Which rank orthogonalises which of Muon's matrices, and in what rounds the ranks all-gather them."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpt25.training.optimizers.orthogonalise import orthogonalisation_operations

LARGEST_GROUP = 8  # as many as a machine commonly has GPUs, so that nothing goes over the network between machines


@dataclass(frozen=True)
class OrthogonalisationRound:
    """Matrices of one shape, orthogonalised by all ranks of a group at the same time and then all-gathered at once."""

    shape: tuple[int, int]
    """(rows, columns), no more rows than columns."""
    assignments: tuple[tuple[int, ...], ...]
    """For each rank of the group the positions of its matrices among all; perhaps none."""

    @property
    def slots(self) -> int:
        """Matrices that each rank sends: as many as the longest assignment has, because an all-gather has one size."""
        return max(map(len, self.assignments))

    @property
    def gathered_elements(self) -> int:
        """Elements that every rank of the group has afterwards, slots that hold no matrix among them."""
        return len(self.assignments) * self.slots * self.shape[0] * self.shape[1]

    def slot_of(self, position: int) -> int:
        """Where a matrix lies in what all ranks sent, in their order."""
        (rank,) = [number for number, assigned in enumerate(self.assignments) if position in assigned]
        return rank * self.slots + self.assignments[rank].index(position)


def orthogonalisation_group_size(number_of_ranks: int) -> int:
    """How many neighbouring ranks divide the work: the largest divisor up to LARGEST_GROUP; 16 -> 8, 12 -> 6, 11 -> 1.

    A divisor, so that all groups are of one size and do the same in the same batches: their weights must not differ in
    a bit, and a GPU may choose another kernel for another batch.
    """
    return max(size for size in range(1, LARGEST_GROUP + 1) if number_of_ranks % size == 0)


def orthogonalisation_rounds(
    shapes: Sequence[tuple[int, int]], group_size: int, *, in_bfloat16: bool = False
) -> list[OrthogonalisationRound]:
    """Assign matrices of these shapes to ranks, by position; the largest first, so that their all-gather has time.

    Each matrix, the costly ones first, goes to whoever has least to compute so far (Graham 1969, "Bounds on
    Multiprocessing Timing Anomalies": at most 4/3 of the best), of two that have equal amounts to who sends less.
    """
    costs = [orthogonalisation_operations(*shape, in_bfloat16=in_bfloat16) for shape in shapes]
    loads = [(0, 0, rank) for rank in range(group_size)]
    assignments: dict[tuple[int, int], list[list[int]]] = {}
    for position in sorted(range(len(shapes)), key=lambda each: -costs[each]):
        shape = shapes[position]
        load, elements, rank = min(loads)
        loads[rank] = (load + costs[position], elements + shape[0] * shape[1], rank)
        assignments.setdefault(shape, [[] for _ in range(group_size)])[rank].append(position)
    largest_first = sorted(assignments, key=lambda shape: -shape[0] * shape[1])
    return [OrthogonalisationRound(shape, tuple(map(tuple, assignments[shape]))) for shape in largest_first]
