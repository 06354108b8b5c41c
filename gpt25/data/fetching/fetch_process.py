"""Fetching in a process of its own, at a low priority: `python -m gpt25.data.fetching.fetch_process NAME DIR NUMBER`.

It tells on standard output, a JSON object a line, what happens: {"shards": 51} is how many will be there to train on,
then {"bytes": 200001024} whenever one is safe, {"done": true} at the end, or {"problem": "…"}. It ends when its
standard input does, which is when the process that started it dies, however it dies; Ctrl-C in the terminal that both
share is left to that process.
"""

import contextlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from gpt25.data.fetching.public_shards import list_public_set
from gpt25.data.fetching.shard_fetching import fetch_shards
from gpt25.errors import GPT25Error

NICENESS = 10


def fetch_in_this_process(name: str, directory: Path, number_of_shards: int) -> None:
    """Fetch the first training shards of a named set and say so; shards that were read through are not read again."""
    try:
        listing = list_public_set(name, directory=directory).first(number_of_shards)
        _tell(shards=sum(shard.split == "train" for shard in listing.shards))
        fetch_shards(listing, directory, progress=lambda count: _tell(bytes=count), trusting=True)
        _tell(done=True)
    except GPT25Error as problem:
        _tell(problem=str(problem))
    except Exception as problem:
        _tell(problem=f"{type(problem).__name__}: {problem}")


def _tell(**fields: Any) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def _end_with_standard_input() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):  # Windows has no niceness
        os.nice(NICENESS)
    fetch_in_this_process(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
