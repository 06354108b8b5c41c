"""What batch.micro_batch_rows "auto" means on a device: as many rows as fit and make it faster."""

import dataclasses

import torch

from gpt25.counted import counted
from gpt25.recipes.planning.memory_plan import USABLE_FRACTION, largest_micro_batch
from gpt25.runtime import PrecisionName, Ranks, choose_device, choose_precision
from gpt25.training import TrainingConfiguration

# 64 rows of 1,024 tokens: a GPU's products are as large as they need to be, and 80 GB hold them with room to spare.
MOST_TOKENS = 65_536


@dataclasses.dataclass(frozen=True)
class MicroBatchChoice:
    """How many rows were chosen, and one sentence for the user about it."""

    rows: int
    reason: str


def with_rows(configuration: TrainingConfiguration, rows: int) -> TrainingConfiguration:
    """The same with micro-batches of so many rows."""
    return dataclasses.replace(configuration, batch=dataclasses.replace(configuration.batch, micro_batch_rows=rows))


def with_automatic_rows(
    configuration: TrainingConfiguration, *, gpus: int, usable_bytes: int | None, precision: PrecisionName
) -> TrainingConfiguration:
    """The same with a number where micro_batch_rows is "auto": for one of so many GPUs; None where there is none."""
    if configuration.batch.micro_batch_rows != "auto":
        return configuration
    rows = automatic_rows(configuration, gpus=gpus, usable_bytes=usable_bytes, precision=precision)
    return with_rows(configuration, rows)


def automatic_rows(
    configuration: TrainingConfiguration, *, gpus: int, usable_bytes: int | None, precision: PrecisionName
) -> int:
    """Most rows that divide a GPU's rows of an update, fit, and have at most MOST_TOKENS tokens; 1 where none fits.

    usable_bytes None is a processor, which gets the field's default: its caches are too small for more.
    """
    if usable_bytes is None:
        return configuration.batch.rows_unless_chosen
    most = max(1, MOST_TOKENS // configuration.model.block_size)
    found = largest_micro_batch(configuration, gpus=gpus, usable_bytes=usable_bytes, precision=precision, most=most)
    return found or 1


def choose_rows(configuration: TrainingConfiguration, ranks: Ranks, *, previous: int | None) -> MicroBatchChoice | None:
    """What the ranks, which are connected, take where micro_batch_rows is "auto"; None where it is a number.

    previous: what the run trained with before, which it keeps wherever it fits, because another number rounds sums
    otherwise. Every rank gets the smallest that any of them would take.
    """
    if configuration.batch.micro_batch_rows != "auto":
        return None
    device = ranks.device_for(choose_device(configuration.loop.device))
    precision = choose_precision(device, configuration.loop.precision).name
    usable = _usable_bytes(device)
    own = automatic_rows(configuration, gpus=ranks.number_of_ranks, usable_bytes=usable, precision=precision)
    of_all = ranks.sum([float(own) if rank == ranks.rank else 0.0 for rank in range(ranks.number_of_ranks)])
    rows = int(min(of_all))
    tokens = f"{rows * configuration.model.block_size:,} tokens"
    why = f"{tokens}, as on every processor"
    if usable is not None:
        fit = f"divide an update and fit {usable / 1e9:.1f} GB by the arithmetic of gpt25 plan"
        why = f"{tokens}, the most up to {MOST_TOKENS:,} that {fit}"
    if previous is None or previous == rows:
        return MicroBatchChoice(rows, f"micro-batches have {counted(rows, 'rows')} ({why})")
    rows_per_rank = configuration.rows_per_update // ranks.number_of_ranks
    if previous < rows and rows_per_rank % previous == 0:
        return MicroBatchChoice(previous, f"micro-batches have {counted(previous, 'rows')}, as the run began with")
    return MicroBatchChoice(
        rows,
        f"micro-batches have {counted(rows, 'rows')} instead of the {previous} that the run began with ({why}): what "
        "follows is "
        "rounded in another order",
    )


def _usable_bytes(device: torch.device) -> int | None:
    """What of a GPU's memory training may count on; None where the device is none."""
    if device.type != "cuda":
        return None
    free, total = torch.cuda.mem_get_info(device)
    return int(USABLE_FRACTION * min(total, free + torch.cuda.memory_reserved(device)))
