"""What a run was made with, in its environment.json."""

from gpt25.errors import CorruptFileError
from gpt25.records import RunDirectory
from gpt25.runtime import Ranks, describe_machine, describe_software
from gpt25.storage import write_json

_EARLIER = "earlier"


def record_environment(run: RunDirectory, ranks: Ranks) -> None:
    """Write the machine and the software of this process into environment.json.

    A run that goes on with another machine, version or commit was made by both: what stood there before is kept under
    "earlier", the oldest first.
    """
    now = {**describe_machine(), "number_of_ranks": ranks.number_of_ranks, **describe_software()}
    try:
        before = run.environment()
    except CorruptFileError:  # what cannot be read any more stops no run
        before = {}
    kept = before.pop(_EARLIER, [])
    earlier = [*(kept if isinstance(kept, list) else []), *([before] if before and before != now else [])]
    write_json(run.environment_path, {**now, _EARLIER: earlier} if earlier else now)
