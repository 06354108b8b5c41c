"""The gradients of one update on one rank, from micro-batches that fit its memory."""

import contextlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from gpt25.counted import counted
from gpt25.errors import ConfigurationError
from gpt25.runtime import Ranks
from gpt25.training.configuration.training_configuration import TrainingConfiguration
from gpt25.training.loop.divisors import divisors


def fitting_micro_batch_rows(configuration: TrainingConfiguration, ranks: Ranks, *, rows: int) -> int:
    """The largest number of rows up to the configured one that divides a rank's rows of an update of `rows` rows.

    Raises ConfigurationError where the number of ranks does not divide them.
    """
    number = ranks.number_of_ranks
    if rows % number:
        raise ConfigurationError(
            f"{counted(rows, 'rows')} of {configuration.model.block_size} tokens make an update; "
            f"{counted(number, 'ranks')} cannot share them "
            f"equally. Change the number of ranks or {configuration.update_sizes.key_of(rows)}."
        )
    rows_per_rank = rows // number
    largest = min(rows_per_rank, configuration.batch.rows_unless_chosen)
    return max(size for size in divisors(rows_per_rank) if size <= largest)


def most_micro_batch_rows(configuration: TrainingConfiguration, ranks: Ranks) -> int:
    """The rows of the run's largest micro-batch; raises ConfigurationError where ranks do not divide some update."""
    sizes = configuration.update_sizes.all_rows
    return max(fitting_micro_batch_rows(configuration, ranks, rows=rows) for rows in sizes)


def smaller_micro_batches(configuration: TrainingConfiguration, ranks: Ranks) -> str | None:
    """What to say where micro-batches have fewer rows than the recipe has; None where they have as many."""
    remarks = []
    for size in configuration.update_sizes.all_rows:
        rows_per_rank = size // ranks.number_of_ranks
        wanted = min(configuration.batch.rows_unless_chosen, rows_per_rank)
        rows = fitting_micro_batch_rows(configuration, ranks, rows=size)
        if rows < wanted:
            most = f"the most that divide the {rows_per_rank} rows of an update"
            remarks.append(f"micro-batches have {counted(rows, 'rows')} instead of {wanted}: {most}")
    return "; ".join(remarks) or None


def accumulate_gradients(
    module: torch.nn.Module,
    micro_batches: Sequence[tuple[Tensor, Tensor]],
    *,
    sequence_length: int,
    device: torch.device,
) -> Tensor:
    """Add the gradients of the mean loss over all micro-batches, which have equal sizes; returns that loss in nats.

    The loss stays on the device, so that nothing waits for it.

    module: ids and labels (batch, time), and how many micro-batches there are -> a mean loss divided by that number;
    where it is a DistributedDataParallel, the ranks average their gradients during the last backward pass.
    micro_batches: ids and labels, both (rows, block size) int64 in main memory, from which a GPU copies while it
    computes if the memory is pinned; `sequence_length` divides the block
    size, and rows are cut into sequences of that length.
    """
    total = torch.zeros((), device=device)
    for number, (indices, labels) in enumerate(micro_batches, start=1):
        indices = indices.view(-1, sequence_length).to(
            device, non_blocking=True
        )  # (rows * block size / length, length)
        labels = labels.view(-1, sequence_length).to(device, non_blocking=True)
        with contextlib.nullcontext() if number == len(micro_batches) else _without_reduction(module):
            loss = module(indices, labels, len(micro_batches))
            loss.backward()
        total += loss.detach()
    return total


def _without_reduction(module: torch.nn.Module) -> contextlib.AbstractContextManager[Any]:
    """Keep gradients on this rank for now; only the last micro-batch's backward pass averages them."""
    return module.no_sync() if isinstance(module, DistributedDataParallel) else contextlib.nullcontext()
