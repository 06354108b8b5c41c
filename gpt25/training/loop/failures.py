"""What torch reports when another rank is gone or memory runs out, as errors that say what to do."""

import contextlib
from collections.abc import Iterator

import torch

from gpt25.counted import counted
from gpt25.errors import TrainingError
from gpt25.runtime import Ranks

# What the messages of the communication libraries have in common; gloo raises a bare RuntimeError.
_COMMUNICATION = ("gloo", "nccl", "connection", "timed out", "timeout", "peer")
_MEMORY = "can't allocate memory"  # the processor's allocator has no exception of its own


@contextlib.contextmanager
def explaining_failures(ranks: Ranks, *, micro_batch_rows: int) -> Iterator[None]:
    """Turn torch's errors about lost ranks and exhausted memory into TrainingError; any other is a bug and passes."""
    try:
        yield
    except RuntimeError as problem:
        reason = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
        if isinstance(problem, torch.OutOfMemoryError) or _MEMORY in reason:
            raise TrainingError(
                f"rank {ranks.rank} of {ranks.number_of_ranks} ran out of memory with micro-batches of "
                f"{counted(micro_batch_rows, 'rows')}: {reason}. Lower batch.micro_batch_rows; the result stays the "
                "same."
            ) from problem
        if not ranks.is_alone and any(word in str(problem).lower() for word in _COMMUNICATION):
            raise TrainingError(
                f"rank {ranks.rank} of {ranks.number_of_ranks} lost another rank: {reason}. Look for the first error "
                "above; the same command resumes from the last complete checkpoint."
            ) from problem
        raise
