"""The small JSON files of a model directory, which may come from anywhere."""

from pathlib import Path
from typing import Any

from gpt25.errors import CorruptFileError, WeightsError
from gpt25.storage import read_json
from gpt25.storage.atomic import storage_error

LARGEST_JSON_BYTES = 4 << 20


def bounded_json(path: Path) -> dict[str, Any]:
    """The JSON object of a small file; raises WeightsError when it is no object or suspiciously large."""
    try:
        size = path.stat().st_size
    except OSError as problem:
        raise storage_error(problem, path, "cannot read") from problem
    if size > LARGEST_JSON_BYTES:
        raise WeightsError(f"{path} has {size:,} bytes; at most {LARGEST_JSON_BYTES:,} are read. It is not a GPT-2's.")
    content = read_json(path)
    if not isinstance(content, dict):
        raise CorruptFileError(f"{path} is not a JSON object.")
    return content
