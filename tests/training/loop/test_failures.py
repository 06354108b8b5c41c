import pytest
import torch

from gpt25.errors import TrainingError
from gpt25.runtime import Ranks
from gpt25.training.loop.failures import explaining_failures


def test_a_lost_rank_is_told_with_this_ranks_number() -> None:
    with (
        pytest.raises(
            TrainingError, match=r"rank 1 of 3 lost another rank: gloo: Connection closed by peer\. Look for"
        ),
        explaining_failures(Ranks(1, 3), micro_batch_rows=4),
    ):
        raise RuntimeError("gloo: Connection closed by peer\nsecond line")


@pytest.mark.parametrize(
    "problem",
    [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory")],
)
def test_exhausted_memory_is_told_with_what_to_lower(problem: RuntimeError) -> None:
    with (
        pytest.raises(TrainingError, match=r"ran out of memory with micro-batches of 4 rows: .*micro_batch_rows; the"),
        explaining_failures(Ranks(), micro_batch_rows=4),
    ):
        raise problem


@pytest.mark.parametrize("ranks", [Ranks(), Ranks(0, 2)])
def test_a_bug_stays_a_bug(ranks: Ranks) -> None:
    with pytest.raises(RuntimeError, match="shapes do not match"), explaining_failures(ranks, micro_batch_rows=4):
        raise RuntimeError("shapes do not match")


def test_one_rank_alone_loses_nobody() -> None:
    with pytest.raises(RuntimeError, match="timed out"), explaining_failures(Ranks(), micro_batch_rows=4):
        raise RuntimeError("something timed out")
