"""Python's search for garbage, put off while a great many objects are made and none of them is garbage."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def garbage_collection_paused() -> Iterator[None]:
    """Collect no garbage inside; afterwards collection is on again if it was before.

    A tokenizer is read through a few hundred thousand short-lived objects. Every so many of them Python would look
    through all that there are, torch's own included, which takes a third of the reading.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
