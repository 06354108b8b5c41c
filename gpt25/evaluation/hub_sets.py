"""Evaluation sets from the Hugging Face Hub."""

from pathlib import Path

from gpt25.data.hub_file import fetch_hub_file
from gpt25.errors import DataError
from gpt25.evaluation.task import HubFile


def fetch_set(part: HubFile) -> Path:
    """Fetch a set's file, or find it in the cache; raises DataError in one line for whatever goes wrong."""
    try:
        return fetch_hub_file(part.repository, part.file, revision=part.revision, absent_file="the set has moved")
    except DataError as problem:
        raise DataError(f"{problem} --data FILE scores a file of your own.") from problem
