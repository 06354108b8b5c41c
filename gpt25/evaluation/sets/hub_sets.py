"""Evaluation sets from the Hugging Face Hub."""

from dataclasses import dataclass
from pathlib import Path

from gpt25.data.sources.hub_file import fetch_hub_file
from gpt25.errors import DataError


@dataclass(frozen=True)
class HubFile:
    """One file of a data set on the Hub."""

    repository: str
    file: str
    revision: str | None = None
    """Branch, tag or commit; None is the main branch."""


def hub_set(repository: str, configuration: str, split: str) -> HubFile:
    """A set in the Parquet form that the Hub makes of every public set, on a branch of its own.

    Its first file; none of the evaluation sets has a second one.
    """
    return HubFile(repository, f"{configuration}/{split}/0000.parquet", "refs/convert/parquet")


def fetch_set(part: HubFile) -> Path:
    """Fetch a set's file, or find it in the cache; raises DataError in one line for whatever goes wrong."""
    try:
        return fetch_hub_file(part.repository, part.file, revision=part.revision, absent_file="the set has moved")
    except DataError as problem:
        raise DataError(f"{problem} --data FILE scores a file of your own.") from problem
