"""Which rank orthogonalises which of Muon's matrices, and in what rounds the ranks exchange them."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpt25.training.optimizers.orthogonalise import orthogonalisation_operations

MOST_SHARERS = 8  # as many as a machine commonly has GPUs, so that nothing goes over the network between machines


@dataclass(frozen=True)
class OrthogonalisationRound:
    """Matrices of one shape, orthogonalised by all sharers at the same time and then exchanged at once."""

    shape: tuple[int, int]
    """(rows, columns), no more rows than columns."""
    shares: tuple[tuple[int, ...], ...]
    """For each sharer the positions of its matrices in what was shared out; perhaps none."""

    @property
    def slots(self) -> int:
        """Matrices that each sharer sends: as many as the largest share has, because an exchange has one size."""
        return max(map(len, self.shares))

    @property
    def exchanged_elements(self) -> int:
        """Elements that are whole on every sharer afterwards, slots that hold no matrix among them."""
        return len(self.shares) * self.slots * self.shape[0] * self.shape[1]

    def slot_of(self, position: int) -> int:
        """Where a matrix lies in what all sharers sent, in their order."""
        (sharer,) = [number for number, share in enumerate(self.shares) if position in share]
        return sharer * self.slots + self.shares[sharer].index(position)


def number_of_sharers(number_of_ranks: int) -> int:
    """How many neighbouring ranks share the work: the largest divisor up to MOST_SHARERS; 16 -> 8, 12 -> 6, 11 -> 1.

    A divisor, so that all groups are of one size and do the same in the same batches: their weights must not differ in
    a bit, and a GPU may choose another kernel for another batch.
    """
    return max(size for size in range(1, MOST_SHARERS + 1) if number_of_ranks % size == 0)


def orthogonalisation_rounds(
    shapes: Sequence[tuple[int, int]], sharers: int, *, in_bfloat16: bool = False
) -> list[OrthogonalisationRound]:
    """Share out matrices of these shapes, by position; the largest first, so that their exchange has time.

    Each matrix, the costly ones first, goes to whoever has least to compute so far (Graham 1969, "Bounds on
    Multiprocessing Timing Anomalies": at most 4/3 of the best), of two that have equal amounts to who sends less.
    """
    costs = [orthogonalisation_operations(*shape, in_bfloat16=in_bfloat16) for shape in shapes]
    loads = [(0, 0, sharer) for sharer in range(sharers)]
    shares: dict[tuple[int, int], list[list[int]]] = {}
    for position in sorted(range(len(shapes)), key=lambda each: -costs[each]):
        shape = shapes[position]
        load, elements, sharer = min(loads)
        loads[sharer] = (load + costs[position], elements + shape[0] * shape[1], sharer)
        shares.setdefault(shape, [[] for _ in range(sharers)])[sharer].append(position)
    largest_first = sorted(shares, key=lambda shape: -shape[0] * shape[1])
    return [OrthogonalisationRound(shape, tuple(map(tuple, shares[shape]))) for shape in largest_first]
