"""One token shard as llm.c writes it: 256 int32 of header (magic, version, count), then the tokens as uint16.

Source of the format: karpathy/llm.c, dev/data/data_common.py and llmc/dataloader.h.
"""

import struct
from pathlib import Path

import numpy as np

from gpt25.errors import ConfigurationError, DataError
from gpt25.storage import is_file, require_regular_file
from gpt25.storage.atomic import storage_error

MAGIC = 20240520
VERSION = 1
HEADER_BYTES = 256 * 4
TOKEN_BYTES = 2
LARGEST_VOCABULARY = 2**16
_MAGIC_OF_32_BITS = 20240801
_KNOWN_BEGINNINGS = (struct.pack("<i", MAGIC), struct.pack("<i", _MAGIC_OF_32_BITS))
_BARE_NAMES = ("train.bin", "val.bin")
TOKEN_DTYPE = np.dtype("<u2")


def shard_header(number_of_tokens: int) -> bytes:
    """The 1,024 bytes that stand before `number_of_tokens` tokens."""
    return struct.pack("<3i", MAGIC, VERSION, number_of_tokens).ljust(HEADER_BYTES, b"\0")


def require_16_bit_vocabulary(vocabulary_size: int) -> None:
    """Raise ConfigurationError where ids would not fit uint16: 65,536 values, 0…65,535."""
    if vocabulary_size > LARGEST_VOCABULARY:
        raise ConfigurationError(
            f"a vocabulary of {vocabulary_size:,} tokens does not fit the shards' 16-bit ids; "
            f"the largest is {LARGEST_VOCABULARY:,}. Train a smaller tokenizer."
        )


def read_shard_header(path: Path) -> int:
    """The number of tokens that a shard holds, after its magic, version and size have been checked.

    Raises DataError naming the file and the offset of what is wrong, StorageError where it cannot be read or is no
    regular file, such as a pipe, which would be waited for.
    """
    require_regular_file(path, advice="Shards are read here and there; write the tokens into a file.")
    try:
        with open(path, "rb") as file:
            header = file.read(HEADER_BYTES)
            size = file.seek(0, 2)
    except OSError as problem:
        raise storage_error(problem, path, "cannot read") from problem
    if header[:4] not in _KNOWN_BEGINNINGS and _is_nanogpts(path):
        folder, made = str(path.parent), f"{path.parent}-shards"
        raise DataError(
            f"{path} has no header: it is a list of bare ids, as nanoGPT writes it. Make shards of it with:\n"
            f'python -c "from gpt25.data import adopt_bare_tokens as adopt; adopt({folder!r}, {made!r})"\n'
            f"Then name {made} and its tokenizer (--data.tokenizer gpt2)."
        )
    if len(header) < HEADER_BYTES:
        raise DataError(
            f"{path} ends at byte {size:,}, inside the header of {HEADER_BYTES:,} bytes: it is an incomplete shard"
        )
    magic, version, tokens = struct.unpack_from("<3i", header)
    if magic == _MAGIC_OF_32_BITS:
        raise DataError(f"{path}: magic {magic} at byte 0 marks 32-bit tokens; only llm.c's 16-bit shards are read")
    if magic != MAGIC:
        raise DataError(f"{path}: magic {magic} at byte 0, expected {MAGIC}: it is no llm.c token shard")
    if version != VERSION:
        raise DataError(f"{path}: version {version} at byte 4, expected {VERSION}")
    expected = HEADER_BYTES + TOKEN_BYTES * tokens
    if tokens < 0 or size != expected:
        fault = (
            f"it is cut short at byte {size:,}"
            if size < expected
            else f"bytes from {max(expected, 0):,} on are foreign"
        )
        raise DataError(
            f"{path}: the count at byte 8 promises {tokens:,} tokens, {expected:,} bytes, "
            f"but the file has {size:,}: {fault}"
        )
    return int(tokens)


def _is_nanogpts(path: Path) -> bool:
    """Whether both of nanoGPT's files lie there under its names, and this is one of them."""
    return path.name in _BARE_NAMES and all(is_file(path.with_name(name)) for name in _BARE_NAMES)
