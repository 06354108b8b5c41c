"""Texts that several runs of a sweep read alike: made into shards once, and lent to the others."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from gpt25.data import INDEX_NAME
from gpt25.errors import StorageError
from gpt25.recipes.reporter import Reporter
from gpt25.recipes.run.run_lock import run_lock
from gpt25.recipes.run.run_setup import set_up_run
from gpt25.recipes.sweep.sweep_plan import SweepRun
from gpt25.records import RunDirectory
from gpt25.runtime import Ranks
from gpt25.storage import atomic_directory, exclusive_lock, is_directory, is_file

_LOCK_NAME = ".texts.lock"
_SECONDS_BETWEEN_TRIES = 1.0


def share_texts(run: SweepRun, path: Path, runs: Mapping[Path, SweepRun], *, sweep: Path, reporter: Reporter) -> None:
    """Give a run without shards the shards and the tokenizer of one that reads the same; or make them, others waiting.

    runs: all of the sweep, by their directories. What is lent is links to the same files, which nobody changes; whether
    it is still of these texts the run finds out itself, as of its own, and makes it anew where it is not. A run whose
    texts no other reads, or that names prepared shards, is left as it is. Raises what `set_up_run` does.
    """
    own = RunDirectory(path)
    alike = [RunDirectory(each) for each, other in runs.items() if each != path and _read_alike(run, other)]
    if run.configuration.data.directory is not None or not alike or _is_made(own):
        return
    with _one_at_a_time(sweep):
        lender = next((each for each in alike if _is_made(each)), None)
        if lender is None:
            with run_lock(own, Ranks()):
                set_up_run(own, run.configuration, reporter=reporter)
            return
        for name in ("tokenizer_path", "data_path"):  # the index of the data comes with its last folder
            _lend(getattr(lender, name), getattr(own, name))
        reporter.note(f"texts and vocabulary are those of {lender.path.name}")


def _read_alike(first: SweepRun, second: SweepRun) -> bool:
    """Whether both make the same shards: of the same texts, with the same tokenizer."""
    one, other = first.configuration, second.configuration
    return (one.data, one.start, one.model.vocabulary_size) == (other.data, other.start, other.model.vocabulary_size)


def _is_made(run: RunDirectory) -> bool:
    return is_file(run.data_path / INDEX_NAME)


def _lend(source: Path, target: Path) -> None:
    """Link every file of a folder into a new one; copy them where links cannot be."""
    if not is_directory(source):  # of a run whose tokenizer is named, or its model's
        return
    with atomic_directory(target) as folder:
        for path in sorted(source.rglob("*")):
            place = folder / path.relative_to(source)
            if path.is_dir():
                place.mkdir()
                continue
            try:
                os.link(path, place)
            except OSError:
                shutil.copyfile(path, place)


@contextlib.contextmanager
def _one_at_a_time(sweep: Path) -> Iterator[None]:
    """Wait until no other part of the sweep makes shards."""
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(
                    exclusive_lock(sweep / _LOCK_NAME, of=f"{sweep}", advice="Another part of the sweep encodes texts.")
                )
            except StorageError:
                if not is_file(sweep / _LOCK_NAME):
                    raise
                time.sleep(_SECONDS_BETWEEN_TRIES)
            else:
                break
        yield
