"""A run directory belongs to one process at a time."""

import contextlib
from collections.abc import Iterator

from gpt25.records import RunDirectory
from gpt25.runtime import Ranks
from gpt25.storage import exclusive_lock, remove_leftovers, require_writable_directory
from gpt25.storage.removed_if_unused import removed_if_unused


@contextlib.contextmanager
def run_lock(run: RunDirectory, ranks: Ranks) -> Iterator[None]:
    """Keep every other process out of the run while the block runs; what a killed one left there is removed first.

    Of several ranks, the first one holds the lock for all. A directory that was made for a start that fails goes again,
    with the lock, if nothing else is in it. Raises StorageError, before anything is written, where the
    directory cannot be, or where something in it is a link that leads out of it, and naming the process where another
    one holds it.
    """
    if not ranks.is_first:
        yield
        return
    with removed_if_unused(run.path, lock_name=run.lock_path.name):
        require_writable_directory(run.path)
        run.require_no_ways_out()
        advice = "Wait for it, stop it, or choose another --run directory."
        with exclusive_lock(run.lock_path, of=f"{run.path}", advice=advice):
            remove_leftovers(run.path)
            yield
