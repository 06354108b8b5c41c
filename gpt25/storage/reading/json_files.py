"""One JSON value a file: read within bounds, as it is or as a typed record."""

from pathlib import Path
from typing import Any, TypeVar

from gpt25.errors import CorruptFileError
from gpt25.storage.reading.bounded_file import LARGEST_METADATA_BYTES, read_bounded
from gpt25.storage.reading.json_values import kind_in_words, parse_json, require_plain
from gpt25.storage.reading.record import MoreKeys, record_from

T = TypeVar("T")


def read_json(path: str | Path, *, largest_bytes: int = LARGEST_METADATA_BYTES) -> Any:
    """The one JSON value of a file, within the bounds of `read_bounded` and `require_plain`.

    Raises StorageError when unreadable, CorruptFileError, naming file and field, when not JSON or beyond a bound.
    """
    value = parse_json(read_bounded(path, largest_bytes=largest_bytes), where=str(path))
    require_plain(value, where=str(path))
    return value


def read_object(path: str | Path, *, largest_bytes: int = LARGEST_METADATA_BYTES) -> dict[str, Any]:
    """The same of a file that must hold an object."""
    value = read_json(path, largest_bytes=largest_bytes)
    if not isinstance(value, dict):
        raise CorruptFileError(f"{path} holds {kind_in_words(value)}, not an object")
    return value


def read_record(path: str | Path, kind: type[T], *, more_keys: MoreKeys, advice: str = "") -> T:
    """The object of a file as a dataclass; see `record_from`. Raises StorageError or CorruptFileError."""
    return record_from(read_object(path), kind, where=str(path), more_keys=more_keys, advice=advice)
