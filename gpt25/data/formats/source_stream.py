"""Open a source file for reading bytes, decompressed where its name ends in .gz or .zst."""

import gzip
import io
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

from gpt25.errors import DataError
from gpt25.installation import missing_extra
from gpt25.storage import require_regular_file

_COMPRESSED = (".gz", ".zst")
_BUFFER_BYTES = 1 << 20
# Of compressed bytes at a time: Zstandard makes up to 128 KiB of 4 bytes, so these become 32 MiB at most.
_BLOCK_BYTES = 1 << 10
_PIECE_BYTES = 8 << 20
LARGEST_DOCUMENT_BYTES = 1 << 30
"""What one document may have unless a flag says otherwise: enough for enwik9, the largest text in common use."""

# Frames may ask for a window of up to 2 GiB (zstd --long=31); the default limit of the decompressor is 128 MiB.
_LARGEST_WINDOW_BYTES = 1 << 31


DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading a damaged stream raises, besides OSError."""


def damaged(name: str, problem: Exception) -> DataError:
    """The error for a stream that ended, or whose bytes were wrong, while it was unpacked."""
    return DataError(
        f"{name} is damaged or cut short: {problem}. Fetch or pack it again, or take it out of the sources."
    )


def is_compressed(path: Path) -> bool:
    """Whether the name says that the file is compressed."""
    return path.suffix.lower() in _COMPRESSED


def open_source_stream(path: Path) -> BinaryIO:
    """A buffered stream of the file's (decompressed) bytes.

    Raises OSError where it cannot be opened and MissingExtraError where .zst needs a package that is not installed.
    A damaged or truncated stream raises EOFError, OSError or zlib.error while it is read. Raises StorageError for a
    device or a pipe.
    """
    require_regular_file(path, advice="Write what it gives into a file.")
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if suffix == ".zst":
        return cast(BinaryIO, io.BufferedReader(_ZstandardStream(path), buffer_size=_BUFFER_BYTES))
    return open(path, "rb")


def read_document(stream: BinaryIO, *, where: str, largest_bytes: int) -> bytes:
    """All bytes of a stream that is one document; raises DataError, beginning with `where`, for a larger one."""
    pieces, total = [], 0
    while piece := stream.read(min(_PIECE_BYTES, largest_bytes + 1 - total)):
        pieces.append(piece)
        total += len(piece)
        require_document_size(total, where=where, largest_bytes=largest_bytes)
    return b"".join(pieces)


def require_document_size(size: int, *, where: str, largest_bytes: int) -> None:
    """Raise DataError for a document of more bytes than were allowed, naming the flag that allows more."""
    if size > largest_bytes:
        raise DataError(
            f"{where} is a document of more than {largest_bytes:,} bytes (unpacked), which would take about five times "
            "as much memory. Cut it, or allow more with --largest-document-bytes (data.largest_document_bytes when "
            "training)."
        )


def stream_position(stream: Any) -> int:
    """How many bytes of the file itself, compressed or not, a stream of `open_source_stream` has read."""
    if isinstance(stream, gzip.GzipFile):
        return int(cast(Any, stream).fileobj.tell())
    raw = getattr(stream, "raw", None)
    return raw.file_position() if isinstance(raw, _ZstandardStream) else int(stream.tell())


class _ZstandardStream(io.RawIOBase):
    """Decompresses one Zstandard frame after the other, and tells a truncated file from a finished one."""

    def __init__(self, path: Path) -> None:
        try:
            import zstandard
        except ImportError as problem:
            raise missing_extra(f"reading {path} needs the package zstandard", extra="data") from problem
        self._file = open(path, "rb", buffering=_BUFFER_BYTES)  # noqa: SIM115 (closed in close)
        self._library = zstandard
        self._decompressor: Any = None
        self._input = b""
        self._output = memoryview(b"")

    def readable(self) -> bool:
        return True

    def file_position(self) -> int:
        """Compressed bytes read so far."""
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        while not self._output:
            if not self._input:
                self._input = self._file.read(_BLOCK_BYTES)
            if not self._input:
                if self._decompressor is not None:
                    raise EOFError("the last Zstandard frame has no end")
                return 0
            self._decompress()
        count = min(len(buffer), len(self._output))
        buffer[:count] = self._output[:count]
        self._output = self._output[count:]
        return count

    def _decompress(self) -> None:
        """Turn the input at hand into output; a new frame gets a new decompressor."""
        if self._decompressor is None:
            factory = self._library.ZstdDecompressor(max_window_size=_LARGEST_WINDOW_BYTES)
            self._decompressor = factory.decompressobj()
        try:
            self._output = memoryview(self._decompressor.decompress(self._input))
        except self._library.ZstdError as problem:
            raise EOFError(str(problem)) from problem
        self._input = b""
        if self._decompressor.eof:
            self._input = self._decompressor.unused_data
            self._decompressor = None
