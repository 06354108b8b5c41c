"""Muon's orthogonalisation distributed over ranks, each of which has all gradients and needs all results."""

import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributed import ProcessGroup

from gpt25.runtime import Ranks
from gpt25.training.optimizers.orthogonalisation_rounds import (
    OrthogonalisationRound,
    orthogonalisation_group_size,
    orthogonalisation_rounds,
)
from gpt25.training.optimizers.orthogonalise import Polynomials, orthogonalise


class DistributedOrthogonalisation:
    """What `orthogonalise` does to all of Muon's matrices, by several ranks; every rank must call it alike.

    While a round's results are gathered, the next round is computed. CUDA GPUs exchange them in bfloat16, rounded by at
    most 2^-9 of their size, each rank's own ones too; processors as they are. So all ranks have the same bits, and
    on a processor those that one rank alone would have.
    """

    def __init__(self, ranks: Ranks, *, timeout_seconds: float) -> None:
        """For ranks that are connected when it is first called; a rank that does not answer in time is an error."""
        self._group_size = orthogonalisation_group_size(ranks.number_of_ranks)
        self._group_rank = ranks.rank % self._group_size
        self._is_world = self._group_size == ranks.number_of_ranks
        self._timeout = datetime.timedelta(seconds=timeout_seconds)
        self._group: ProcessGroup | None = None
        self._rounds: dict[tuple[tuple[int, int], ...], list[OrthogonalisationRound]] = {}

    def __call__(
        self, batches: Sequence[Sequence[Tensor]], polynomials: Polynomials, *, in_bfloat16: bool = False
    ) -> Iterator[Tensor]:
        """For every batch of matrices (rows, columns), no taller than wide, their orthogonal ones.

        Yields (count, rows, columns), batch after batch; raises RuntimeError when another rank is lost.
        """
        matrices = [matrix for batch in batches for matrix in batch]
        if not matrices:
            return
        shapes = tuple((matrix.size(0), matrix.size(1)) for matrix in matrices)
        if shapes not in self._rounds:
            self._rounds[shapes] = orthogonalisation_rounds(shapes, self._group_size, in_bfloat16=in_bfloat16)
        arguments = matrices, polynomials, in_bfloat16
        exchanges = {each.shape: (each, *self._begin(each, *arguments)) for each in self._rounds[shapes]}
        first = 0
        for batch in batches:
            round_, gathered, work = exchanges[shapes[first]]
            work.wait()  # a GPU's stream waits, not this process; once waited for, it returns at once
            yield torch.stack([gathered[round_.slot_of(first + number)] for number in range(len(batch))])
            first += len(batch)

    def _begin(
        self, round_: OrthogonalisationRound, matrices: Sequence[Tensor], polynomials: Polynomials, in_bfloat16: bool
    ) -> tuple[Tensor, torch.distributed.Work]:
        """Orthogonalise this rank's matrices and begin the all-gather; returns its output and what to wait for."""
        mine, like = round_.assignments[self._group_rank], matrices[0]
        sent = like.new_empty((round_.slots, *round_.shape), dtype=_exchange_dtype(like))  # (slots, rows, columns)
        if mine:
            own = torch.stack([matrices[position] for position in mine])  # (count, rows, columns)
            sent[: len(mine)] = orthogonalise(own, polynomials, in_bfloat16=in_bfloat16)
        gathered = sent.new_empty((self._group_size * round_.slots, *round_.shape))  # (ranks * slots, rows, columns)
        work: torch.distributed.Work = _all_gather()(gathered, sent, group=self._process_group(), async_op=True)
        return gathered, work

    def _process_group(self) -> ProcessGroup | None:
        """This rank and its neighbours; None for all ranks. All ranks make all groups, in one order."""
        if self._group is None and not self._is_world:
            self._group, _ = torch.distributed.new_subgroups(self._group_size, timeout=self._timeout)
        return self._group


def _exchange_dtype(matrix: Tensor) -> torch.dtype:
    return torch.bfloat16 if matrix.device.type == "cuda" else matrix.dtype


def _all_gather() -> Callable[..., Any]:
    """Torch's all-gather of equal tensors into one: renamed in 2.13, where the old name warns."""
    new: Callable[..., Any] | None = getattr(torch.distributed, "all_gather_single", None)
    return torch.distributed.all_gather_into_tensor if new is None else new
