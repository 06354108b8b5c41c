"""What the index of a run's token shards says of the texts that they were made of."""

from pathlib import Path
from typing import Any

from gpt25.records.run_directory import RunDirectory
from gpt25.storage import is_file, matching, read_json


def data_indices(run: RunDirectory) -> list[dict[str, Any]]:
    """index.json of the run's shards, or of each part where many machines made them; [] where there is none.

    While shards are being fetched, arriving.json says what is known of them. Raises StorageError or CorruptFileError
    where one cannot be read.
    """
    data = run.recipe().get("data")
    named = data.get("directory") if isinstance(data, dict) else None
    directory = Path(named) if isinstance(named, str) else run.data_path
    paths = [directory / "index.json", *(part / "index.json" for part in matching(directory, "part-*-of-*"))]
    found = [path for path in paths if is_file(path)] or [directory / "arriving.json"]
    contents = [read_json(path) for path in found if is_file(path)]
    return [content for content in contents if isinstance(content, dict)]
