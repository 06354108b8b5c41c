"""What a file is, by its name and its first bytes: text, a table, a page, a notebook, or nothing that can be read."""

import re
from pathlib import Path
from typing import Literal

from gpt25.data.formats.source_stream import is_compressed
from gpt25.errors import DataError
from gpt25.storage.text_encoding import TextEncoding, encoding_of, unmarked_utf16

FileKind = Literal["text", "page", "notebook", "csv", "tsv", "json_lines", "parquet", "python"]
TABLES = ("parquet", "json_lines", "csv", "tsv")
WHOLE_FILES = ("text", "python", "page", "notebook")
"""Kinds of which a file is one document."""

BEGINNING_BYTES = 8192
"""So many first bytes tell whether a file is text."""

_KINDS: dict[str, FileKind] = {
    ".parquet": "parquet",
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
    ".json": "json_lines",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".html": "page",
    ".htm": "page",
    ".xhtml": "page",
    ".ipynb": "notebook",
}
_READABLE = "give text, JSON lines (.jsonl, also .gz or .zst), CSV or Parquet"
_OFFICE = "save it as text, or convert it with pandoc -t plain"
_SHEET = "save the sheet as CSV"
_ARCHIVE = "unpack it, and give the folder"
_PACKED = "unpack it, or pack it as .gz or .zst"
_UNREADABLE = {
    ".pdf": "convert it with pdftotext",
    **dict.fromkeys((".docx", ".doc", ".odt", ".rtf", ".epub", ".pptx", ".ppt", ".odp", ".mobi", ".djvu"), _OFFICE),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), _SHEET),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".7z", ".rar"), _ARCHIVE),
    **dict.fromkeys((".bz2", ".xz", ".lz4", ".br"), _PACKED),
    **dict.fromkeys((".arrow", ".bin", ".npy", ".npz", ".h5", ".hdf5", ".db", ".sqlite", ".pkl", ".pickle"), _READABLE),
    **dict.fromkeys((".pt", ".pth", ".safetensors", ".gguf", ".onnx"), _READABLE),
}
_WITHOUT_TEXT = frozenset(
    {
        *(".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".ico", ".tif", ".tiff", ".heic", ".avif", ".psd"),
        *(".mp3", ".wav", ".ogg", ".flac", ".m4a", ".aac", ".mp4", ".m4v", ".mkv", ".webm", ".mov", ".avi"),
        *(".woff", ".woff2", ".ttf", ".otf", ".eot"),
        *(".pyc", ".pyo", ".so", ".o", ".a", ".dll", ".exe", ".dylib", ".class", ".jar", ".wasm"),
    }
)
_BEGINNINGS = (
    (re.compile(rb"%PDF-\d"), "a PDF document; convert it with pdftotext"),
    (re.compile(rb"\{\\rtf"), f"a document in rich text; {_OFFICE}"),
    (re.compile(rb"PK\x03\x04"), f"a ZIP archive or an office document; {_ARCHIVE}, or {_OFFICE}"),
    (re.compile(rb"\x1f\x8b\x08|\x28\xb5\x2f\xfd"), "compressed; give it a name that ends in .gz or .zst"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), f"an office document; {_OFFICE}"),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|\x7fELF|\x93NUMPY|\x89HDF|SQLite format 3\0"), "no text"),
)
_CONTROLS = bytes(range(0x09)) + bytes(range(0x0E, 0x1B)) + bytes(range(0x1C, 0x20)) + b"\x7f"
_LARGEST_SHARE, _LARGEST_SHARE_BESIDE_FAULTS = 0.1, 0.01


def suffix_of(path: Path) -> str:
    """The ending that tells the format, in front of .gz or .zst: suffix_of(Path("a.CSV.gz")) -> ".csv"."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if is_compressed(path):
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def is_without_text(path: Path) -> bool:
    """Whether the name is that of a picture, a sound, a film, a font or a program."""
    return suffix_of(path) in _WITHOUT_TEXT


def kind_of_file(path: Path, *, name: str) -> FileKind:
    """How a file is read; raises DataError, with what to do, for one whose name says that it cannot be."""
    suffix = suffix_of(path)
    advice = _UNREADABLE.get(suffix)
    if suffix in _WITHOUT_TEXT or (suffix == ".parquet" and is_compressed(path)):
        advice = _READABLE
    if advice is not None:
        raise DataError(f"{name}: {suffix} files cannot be read; {advice}.")
    return _KINDS.get(suffix, "text")


def require_text(beginning: bytes, *, name: str, encoding: str | None = None) -> None:
    """Raise DataError for a file whose first bytes are clearly no text, and for UTF-16 that nothing tells of.

    encoding: the one that the user named, if any. Some control characters may stand in a text.
    """
    if encoding_of(beginning).mark:
        return
    for pattern, words in _BEGINNINGS:
        if pattern.match(beginning):
            raise DataError(f"{name} is {words}.")
    if encoding is not None:
        return
    if likely := unmarked_utf16(beginning):
        raise DataError(_likely_utf16(name, likely))
    controls = sum(beginning.count(byte) for byte in _CONTROLS)
    largest = _LARGEST_SHARE if _is_utf8(beginning) else _LARGEST_SHARE_BESIDE_FAULTS
    if controls > largest * len(beginning):
        raise DataError(
            f"{name} is no text: {controls:,} of its first {len(beginning):,} bytes are control characters. Take it "
            f"out of the sources, or {_READABLE}."
        )


def _likely_utf16(name: str, likely: TextEncoding) -> str:
    return f"{name} looks like {likely.name}: read it with --encoding {likely.codec}."


def _is_utf8(beginning: bytes) -> bool:
    """Whether the bytes are UTF-8, of which a last character may be cut."""
    try:
        beginning.decode("utf-8")
    except UnicodeDecodeError as problem:
        return problem.reason == "unexpected end of data" and len(beginning) == BEGINNING_BYTES
    return True
