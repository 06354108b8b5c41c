"""Prepared data from a directory that holds all of it or its parts."""

from pathlib import Path

from gpt25.data.shards.joined_parts import holds_parts, join_parts
from gpt25.data.shards.prepared_data import INDEX_NAME, PreparedData
from gpt25.storage import is_file


def read_prepared_data(directory: str | Path) -> PreparedData:
    """Read index.json, or those of all parts as one; DataError where there is none or a part is missing.

    Raises CorruptFileError where an index is not one of ours.
    """
    directory = Path(directory)
    if not is_file(directory / INDEX_NAME) and holds_parts(directory):
        return join_parts(directory)
    return PreparedData.read(directory)
