"""How fast `gpt25 data prepare` turns text into shards, per core, beside raw tiktoken and datasets.map.

    python benchmarks/tokenizing.py text.jsonl.zst --megabytes 64 --processes 2
    python benchmarks/tokenizing.py text.jsonl.zst --datasets     # needs: pip install datasets transformers

The text is written as JSON lines and as Parquet first. Everything reads it from there, encodes it with GPT-2's
vocabulary, and is measured several times in turns; the table shows the best, and the range. "Raw tiktoken" is
tiktoken's own GPT-2 pattern and `encode_ordinary`, document by document, in one process, on text that is in memory:
no reading, no writing. "MB/s a core" is text in UTF-8 divided by wall time and processes.
"""

import argparse
import itertools
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gpt25.data import prepare, read_documents
from gpt25.tokenizer import Tokenizer

# tiktoken_ext/openai_public.py, gpt2
TIKTOKEN_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"


def raw_tiktoken(texts: list[str]) -> float:
    """Seconds in which tiktoken encodes all texts, one after the other."""
    import tiktoken

    ranks = Tokenizer.gpt2()._vocabulary.ordinary
    encoding = tiktoken.Encoding("raw", pat_str=TIKTOKEN_PATTERN, mergeable_ranks=ranks, special_tokens={})
    begin = time.perf_counter()
    for text in texts:
        encoding.encode_ordinary(text)
    return time.perf_counter() - begin


def raw_in_processes(texts: list[str], processes: int) -> float:
    """The slowest of several processes that each do `raw_tiktoken` at the same time: what the machine can give."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return max(pool.map(raw_tiktoken, [texts[place::processes] for place in range(processes)], chunksize=1))


def ours(path: Path, processes: int) -> float:
    """Seconds of a whole preparation, processes started and shards on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        prepare(read_documents([path]), Tokenizer.gpt2(), Path(folder) / "out", number_of_processes=processes)
        return time.perf_counter() - begin


def datasets_map(path: Path, processes: int) -> float:
    """Seconds of datasets' usual way: load, map with transformers' fast tokenizer in batches, ids on the disk."""
    import datasets
    from transformers import GPT2TokenizerFast

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as folder:
        Tokenizer.gpt2().save(Path(folder) / "tokenizer")
        tokenizer = GPT2TokenizerFast.from_pretrained(Path(folder) / "tokenizer")
        kind = "parquet" if path.suffix == ".parquet" else "json"
        rows = datasets.load_dataset(kind, data_files=str(path), split="train", cache_dir=folder)
        begin = time.perf_counter()
        rows.map(
            lambda batch: {"ids": tokenizer(batch["text"])["input_ids"]},
            batched=True,
            remove_columns=rows.column_names,
            num_proc=processes,
        )
        return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--megabytes", type=float, default=64.0)
    parser.add_argument("--document-characters", type=int, help="cut the documents into pieces of about this length")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--datasets", action="store_true")
    options = parser.parse_args()

    texts = list(read_texts(options.sources, options.megabytes * 1e6, options.document_characters))
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{len(texts):,} documents, {megabytes:.1f} MB, {options.processes} processes")
    with tempfile.TemporaryDirectory() as folder:
        lines, table = Path(folder) / "text.jsonl", Path(folder) / "text.parquet"
        write_files(texts, lines, table)
        processes = options.processes
        ways: dict[str, tuple[int, Callable[[], float]]] = {
            "raw tiktoken": (1, lambda: raw_tiktoken(texts)),
            f"raw tiktoken x {processes}": (processes, lambda: raw_in_processes(texts, processes)),
            "gpt25, JSON lines, 1 process": (1, lambda: ours(lines, 1)),
            f"gpt25, JSON lines x {processes}": (processes, lambda: ours(lines, processes)),
            f"gpt25, Parquet x {processes}": (processes, lambda: ours(table, processes)),
        }
        if options.datasets:
            ways[f"datasets.map x {processes}"] = (processes, lambda: datasets_map(table, processes))
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.repeats):
            for name, (_, way) in ways.items():
                seconds[name].append(way())
    report(ways, seconds, megabytes)


def read_texts(sources: list[str], most_bytes: float, length: int | None):  # type: ignore[no-untyped-def]
    size = 0
    for document in read_documents(sources):
        text = document.content.decode()
        step = length or len(text)
        for start in range(0, len(text), step):
            yield text[start : start + step]
        size += len(document.content)
        if size >= most_bytes:
            return


def write_files(texts: list[str], lines: Path, table: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    with open(lines, "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    parquet.write_table(pyarrow.table({"text": texts}), table, row_group_size=1000)


def report(ways: dict, seconds: dict[str, list[float]], megabytes: float) -> None:  # type: ignore[type-arg]
    raw = megabytes / min(seconds["raw tiktoken"])
    print("| way | MB/s a core | range | of raw tiktoken |\n|---|---|---|---|")
    for name, times in seconds.items():
        rates = sorted(megabytes / time / ways[name][0] for time in times)
        print(f"| {name} | {rates[-1]:.2f} | {rates[0]:.2f} to {rates[-1]:.2f} | {rates[-1] / raw:.0%} |")
    for (one, a), (two, b) in itertools.pairwise(seconds.items()):
        if two.startswith("datasets"):
            print(f"{one} over {two}: {min(b) / min(a):.2f}")


if __name__ == "__main__":
    main()
