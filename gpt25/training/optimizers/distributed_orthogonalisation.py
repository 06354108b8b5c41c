"""Muon's orthogonalisation shared out over ranks, each of which has all gradients and needs all results."""

import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributed import ProcessGroup

from gpt25.runtime import Ranks
from gpt25.training.optimizers.orthogonalisation_rounds import (
    OrthogonalisationRound,
    number_of_sharers,
    orthogonalisation_rounds,
)
from gpt25.training.optimizers.orthogonalise import Polynomials, orthogonalise


class DistributedOrthogonalisation:
    """What `orthogonalise` does to all of Muon's matrices, by several ranks; every rank must call it alike.

    While a round's results travel, the next round is computed. On a CUDA GPU they travel in bfloat16, rounded by at
    most 2^-9 of their size, each rank's own ones too; on a processor as they are. So all ranks have the same bits, and
    on a processor those that one rank alone would have.
    """

    def __init__(self, ranks: Ranks, *, timeout_seconds: float) -> None:
        """For ranks that are connected when it is first called; a rank that does not answer in time is an error."""
        self._sharers = number_of_sharers(ranks.number_of_ranks)
        self._place = ranks.rank % self._sharers
        self._is_everyone = self._sharers == ranks.number_of_ranks
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
            self._rounds[shapes] = orthogonalisation_rounds(shapes, self._sharers, in_bfloat16=in_bfloat16)
        words = matrices, polynomials, in_bfloat16
        exchanges = {each.shape: (each, *self._begin(each, *words)) for each in self._rounds[shapes]}
        first = 0
        for batch in batches:
            round_, gathered, work = exchanges[shapes[first]]
            work.wait()  # a GPU's own queue waits, not this process; once waited for, it returns at once
            yield torch.stack([gathered[round_.slot_of(first + number)] for number in range(len(batch))])
            first += len(batch)

    def _begin(
        self, round_: OrthogonalisationRound, matrices: Sequence[Tensor], polynomials: Polynomials, in_bfloat16: bool
    ) -> tuple[Tensor, torch.distributed.Work]:
        """Orthogonalise this rank's share and send it off; returns where all shares arrive, and their arrival."""
        mine, like = round_.shares[self._place], matrices[0]
        sent = like.new_empty((round_.slots, *round_.shape), dtype=_travelling(like))  # (slots, rows, columns)
        if mine:
            share = torch.stack([matrices[position] for position in mine])  # (count, rows, columns)
            sent[: len(mine)] = orthogonalise(share, polynomials, in_bfloat16=in_bfloat16)
        gathered = sent.new_empty((self._sharers * round_.slots, *round_.shape))  # (sharers * slots, rows, columns)
        work: torch.distributed.Work = _all_gather()(gathered, sent, group=self._sharing_group(), async_op=True)
        return gathered, work

    def _sharing_group(self) -> ProcessGroup | None:
        """The neighbours that share with this rank; None for all ranks. All ranks make all groups, in one order."""
        if self._group is None and not self._is_everyone:
            self._group, _ = torch.distributed.new_subgroups(self._sharers, timeout=self._timeout)
        return self._group


def _travelling(matrix: Tensor) -> torch.dtype:
    return torch.bfloat16 if matrix.device.type == "cuda" else matrix.dtype


def _all_gather() -> Callable[..., Any]:
    """Torch's exchange of equal tensors into one: renamed in 2.13, where the old name warns."""
    new: Callable[..., Any] | None = getattr(torch.distributed, "all_gather_single", None)
    return torch.distributed.all_gather_into_tensor if new is None else new
