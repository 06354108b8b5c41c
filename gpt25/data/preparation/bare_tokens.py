"""Give bare token ids, as nanoGPT's train.bin and val.bin hold them, the header of a shard."""

from pathlib import Path

from gpt25.data.preparation.shard_writer import ShardWriter
from gpt25.data.shards.shard_format import TOKEN_BYTES
from gpt25.data.sources.document import Split
from gpt25.errors import DataError
from gpt25.storage import atomic_files, matching, require_regular_file, require_writable_directory
from gpt25.storage.atomic import storage_error

_NAMES: dict[Split, str] = {"train": "train.bin", "validation": "val.bin"}
_BLOCK_BYTES = 8 << 20


def adopt_bare_tokens(directory: str | Path, output: str | Path, *, tokens_per_shard: int = 100_000_000) -> None:
    """Copy the 16-bit ids of `directory`/train.bin and val.bin into shards in llm.c's format in `output`.

    All of them appear together. They have no index: name their tokenizer where they are read. Raises DataError where
    `output` holds shards or a file is no whole number of ids, StorageError where one cannot be read or written.
    """
    directory, output = Path(directory), require_writable_directory(output)
    if matching(output, "*.bin"):
        raise DataError(f"{output} holds .bin files already; choose another output directory.")
    with atomic_files(output) as together:
        for split, name in _NAMES.items():
            _copy(directory / name, together, split, tokens_per_shard)


def _copy(path: Path, output: Path, split: Split, tokens_per_shard: int) -> None:
    require_regular_file(path, advice="Write the ids into a file.")
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            if size % TOKEN_BYTES:
                raise DataError(f"{path} has {size:,} bytes, which is no whole number of 16-bit ids.")
            writer = ShardWriter(output, split, number_of_tokens=size // TOKEN_BYTES, tokens_per_shard=tokens_per_shard)
            try:
                while block := file.read(_BLOCK_BYTES):
                    writer.write(block)
            finally:
                writer.close()
    except OSError as problem:
        raise storage_error(problem, path, "cannot read") from problem
