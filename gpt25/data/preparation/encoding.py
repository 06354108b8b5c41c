"""Encode chunks into files, here or in worker processes, with a bounded number of chunks in flight."""

import multiprocessing
import os
import re
import signal
import threading
from array import array
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gpt25.data.preparation.chunks import Chunk, ChunkRecord, chunk_path, read_chunk, write_chunk
from gpt25.data.sources.document import SPLITS, Split
from gpt25.errors import DataError
from gpt25.tokenizer import SpecialTokens

if TYPE_CHECKING:
    from gpt25.tokenizer import Tokenizer

_SLICE_CHARACTERS = 1 << 20
# GPT-2's pattern never joins a letter and a following space, so cutting between them changes no token.
_SAFE_CUT = re.compile(r"(?<=[A-Za-z]) ")


def encode_document(
    content: bytes, tokenizer: "Tokenizer", special_tokens: SpecialTokens = "text"
) -> Iterator["array[int]"]:
    """End-of-text and the document's tokens, as arrays of 16 bits; a long document in slices: no list gets huge.

    The tokens are those of the whole text. Bytes that are not UTF-8 are encoded byte by byte and decode exactly.
    """
    may_be_cut = special_tokens == "text" or not any(" " in name for name in tokenizer.special_tokens)
    tokens = array("H", (tokenizer.end_of_text_id,))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        tokens.fromlist(tokenizer.encode_bytes(content, special_tokens=special_tokens))
        yield tokens
        return
    start = 0
    while start < len(text):
        cut = _SAFE_CUT.search(text, start + _SLICE_CHARACTERS) if may_be_cut else None
        end = cut.start() if cut else len(text)
        piece = text if end - start == len(text) else text[start:end]
        tokens.fromlist(tokenizer.encode(piece, special_tokens=special_tokens))
        yield tokens
        tokens = array("H")
        start = end
    if tokens:
        yield tokens  # of a document without text


def encode_chunk(
    chunk: Chunk, tokenizer: "Tokenizer", path: Path, special_tokens: SpecialTokens = "text"
) -> ChunkRecord:
    """Encode a chunk and write its file; returns its record.

    A parsed end-of-text begins a document like any other, and the names of parsed tokens are no bytes of the text.
    """
    tokens: dict[Split, array[int]] = {split: array("H") for split in SPLITS}
    documents, text_bytes = dict.fromkeys(SPLITS, 0), dict.fromkeys(SPLITS, 0)
    special_names = 0
    for split, content in chunk.documents:
        special_names += tokenizer.special_names_in(content.decode("utf-8", "replace"))
        documents[split] += 1
        text_bytes[split] += len(content)
        for part in encode_document(content, tokenizer, special_tokens):
            tokens[split].extend(part)
    arrays = {split: np.frombuffer(ids, dtype=np.uint16) for split, ids in tokens.items()}
    if special_tokens == "parse" and special_names:
        for split, ids in arrays.items():
            for name, identifier in tokenizer.special_tokens.items():
                own = documents[split] if identifier == tokenizer.end_of_text_id else 0
                parsed = int((ids == identifier).sum()) - own
                text_bytes[split] -= parsed * len(name.encode("utf-8"))
                documents[split] += parsed if identifier == tokenizer.end_of_text_id else 0
    return write_chunk(path, chunk.key, arrays, documents=documents, text_bytes=text_bytes, special_names=special_names)


def encode_chunks(
    chunks: Iterable[Chunk],
    tokenizer: "Tokenizer",
    folder: Path,
    *,
    number_of_processes: int,
    progress: Callable[[int], None] | None,
    special_tokens: SpecialTokens = "text",
) -> Generator[ChunkRecord, None, None]:
    """Records of all chunks in order, each as soon as it and those before it are encoded or found in `folder`.

    A single chunk, or one process, is encoded here. `progress` is told the bytes of the sources done. Raises DataError
    when a worker dies. Close the iterator: whatever ends it, no worker outlives it and finished chunks stay.
    """
    stream = iter(chunks)
    first = list(islice(stream, 2))
    stream = chain(first, stream)
    alone = len(first) < 2
    del first  # a huge chunk must not stay in memory while the others pass
    report = progress or (lambda _: None)
    if alone or number_of_processes == 1:
        return (_encode_here(chunk, tokenizer, folder, report, special_tokens) for chunk in stream)
    return _encode_in_workers(stream, tokenizer, folder, number_of_processes, report, special_tokens)


def _encode_here(
    chunk: Chunk,
    tokenizer: "Tokenizer",
    folder: Path,
    report: Callable[[int], None],
    special_tokens: SpecialTokens,
) -> ChunkRecord:
    path = chunk_path(folder, chunk.number)
    record = read_chunk(path, chunk.key) or encode_chunk(chunk, tokenizer, path, special_tokens)
    report(chunk.source_bytes)
    return record


def _encode_in_workers(
    chunks: Iterable[Chunk],
    tokenizer: "Tokenizer",
    folder: Path,
    processes: int,
    report: Callable[[int], None],
    special_tokens: SpecialTokens,
) -> Generator[ChunkRecord, None, None]:
    records: dict[int, ChunkRecord] = {}  # those that wait for an earlier one
    running: dict[Future[ChunkRecord], tuple[int, int]] = {}
    following: int | None = None

    def collect(most: int) -> None:
        while len(running) > most:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                number, size = running.pop(future)
                records[number] = future.result()
                report(size)

    # "spawn": a forked copy of a process in which torch has started threads may hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_start_worker, initargs=(tokenizer,))
    try:
        for chunk in chunks:
            following = chunk.number if following is None else following
            path = chunk_path(folder, chunk.number)
            record = read_chunk(path, chunk.key)
            if record is None:
                running[pool.submit(_encode_in_worker, chunk, path, special_tokens)] = (
                    chunk.number,
                    chunk.source_bytes,
                )
            else:
                records[chunk.number] = record
                report(chunk.source_bytes)
            collect(most=processes + 1)  # one chunk waits, so that no worker does
            while following in records:
                yield records.pop(following)
                following += 1
        collect(most=0)
        yield from (records[number] for number in sorted(records))
    except BrokenProcessPool as problem:
        raise DataError(
            f"a worker process died while encoding (killed, or out of memory with {processes} processes). Finished "
            "chunks are kept in the output directory: run the same again, with fewer processes if memory was short. "
            'In a script of your own, call it below `if __name__ == "__main__":`.'
        ) from problem
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_worker_tokenizer: "Tokenizer | None" = None


def _start_worker(tokenizer: "Tokenizer") -> None:
    """Keep the tokenizer; leave Ctrl-C to the parent, and die with it even if it was killed with -9."""
    global _worker_tokenizer
    _worker_tokenizer = tokenizer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _encode_in_worker(chunk: Chunk, path: Path, special_tokens: SpecialTokens) -> ChunkRecord:
    assert _worker_tokenizer is not None
    return encode_chunk(chunk, _worker_tokenizer, path, special_tokens)
