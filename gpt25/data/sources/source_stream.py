"""Open a source file for reading bytes, decompressed where its name ends in .gz or .zst."""

import gzip
import io
from pathlib import Path
from typing import Any, BinaryIO, cast

from gpt25.errors import MissingExtraError
from gpt25.storage import require_regular_file

_COMPRESSED = (".gz", ".zst")
_BLOCK_BYTES = 1 << 20  # 1 MiB of compressed bytes a read
# Frames may ask for a window of up to 2 GiB (zstd --long=31); the default limit of the decompressor is 128 MiB.
_LARGEST_WINDOW_BYTES = 1 << 31


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
        return cast(BinaryIO, io.BufferedReader(_ZstandardStream(path), buffer_size=_BLOCK_BYTES))
    return open(path, "rb")


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
            raise MissingExtraError(
                f"reading {path} needs the package zstandard; install it with: pip install 'gpt25[data]'"
            ) from problem
        self._file = open(path, "rb")  # noqa: SIM115 (closed in close)
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
