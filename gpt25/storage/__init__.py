"""Files that are either complete or absent: atomic writes, manifests and hashes. Knows nothing of models."""

from gpt25.storage.atomic import (
    atomic_directory,
    atomic_file,
    remove_leftovers,
    require_writable_directory,
    write_bytes,
    write_json,
    write_text,
)
from gpt25.storage.discard import discard
from gpt25.storage.exclusive_lock import exclusive_lock
from gpt25.storage.file_set import atomic_files
from gpt25.storage.hashes import sha256_of_bytes, sha256_of_file
from gpt25.storage.json_lines import append_json_line, read_json_lines, write_json_lines
from gpt25.storage.manifest import MANIFEST_NAME, verify_manifest, write_manifest
from gpt25.storage.output_file import require_output_file
from gpt25.storage.paths.path_questions import (
    entries,
    exists,
    is_directory,
    is_file,
    matching,
    require_no_way_out,
    require_regular_file,
    resolved,
)
from gpt25.storage.reading.json_files import read_json, read_object, read_record
from gpt25.storage.reading.record import record_from
from gpt25.storage.reading.toml_files import parse_toml, read_toml, read_toml_text
from gpt25.storage.text_encoding import decode_text
from gpt25.storage.text_lines import text_lines, with_newlines

__all__ = [
    "MANIFEST_NAME",
    "append_json_line",
    "atomic_directory",
    "atomic_file",
    "atomic_files",
    "decode_text",
    "discard",
    "entries",
    "exclusive_lock",
    "exists",
    "is_directory",
    "is_file",
    "matching",
    "parse_toml",
    "read_json",
    "read_json_lines",
    "read_object",
    "read_record",
    "read_toml",
    "read_toml_text",
    "record_from",
    "remove_leftovers",
    "require_no_way_out",
    "require_output_file",
    "require_regular_file",
    "require_writable_directory",
    "resolved",
    "sha256_of_bytes",
    "sha256_of_file",
    "text_lines",
    "verify_manifest",
    "with_newlines",
    "write_bytes",
    "write_json",
    "write_json_lines",
    "write_manifest",
    "write_text",
]
