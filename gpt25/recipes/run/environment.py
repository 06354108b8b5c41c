"""What a run was made with, in its environment.json."""

from gpt25.errors import CorruptFileError
from gpt25.records import RunDirectory
from gpt25.runtime import Ranks, describe_machine, describe_software
from gpt25.storage import write_json

_EARLIER = "earlier"
_ROWS = "micro_batch_rows"


def previous_micro_batch_rows(run: RunDirectory) -> int | None:
    """The rows of the micro-batches that a run which has a checkpoint trained with last; None where nobody knows."""
    if not run.checkpoints():
        return None
    try:
        rows = run.environment().get(_ROWS)
    except CorruptFileError:
        return None
    return rows if isinstance(rows, int) and not isinstance(rows, bool) and rows > 0 else None


def record_environment(run: RunDirectory, ranks: Ranks, *, micro_batch_rows: int) -> None:
    """Write the machine, the software and the micro-batch of this process into environment.json.

    A run that goes on with another machine, version or commit was made by both: what stood there before is kept under
    "earlier", the oldest first.
    """
    now = {
        **describe_machine(),
        "number_of_ranks": ranks.number_of_ranks,
        _ROWS: micro_batch_rows,
        **describe_software(),
    }
    try:
        before = run.environment()
    except CorruptFileError:  # what cannot be read any more stops no run
        before = {}
    kept = before.pop(_EARLIER, [])
    earlier = [*(kept if isinstance(kept, list) else []), *([before] if before and before != now else [])]
    write_json(run.environment_path, {**now, _EARLIER: earlier} if earlier else now)
