"""How fast `gpt25 data prepare` turns text into shards, per core, beside raw tiktoken and datasets.map.

    python benchmarks/tokenizing.py text.jsonl.zst --megabytes 64 --processes 2
    python benchmarks/tokenizing.py text.jsonl.zst --datasets     # needs: pip install datasets transformers

The text is written as JSON lines and as Parquet first. Everything reads it from there, encodes it with GPT-2's
vocabulary, and is measured several times in turns. "Raw tiktoken" is tiktoken's own GPT-2 pattern and
`encode_ordinary`, document by document, in one process, on text that is in memory: no reading, no writing.
Rates are megabytes of UTF-8 by wall time and number of processes, and by processor time of all processes together,
which other work on the machine disturbs less; of each the best. "After the start": the difference between all of the
text and an eighth of it, so without what is paid once (starting processes, loading the tokenizer, writing its files).
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import tiktoken

from gpt25.data import prepare, read_documents
from gpt25.tokenizer import Tokenizer

# tiktoken_ext/openai_public.py, gpt2
TIKTOKEN_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"


@dataclass(frozen=True)
class Texts:
    """Some documents: in memory, as JSON lines, as Parquet."""

    documents: list[str]
    lines: Path
    table: Path

    @property
    def megabytes(self) -> float:
        """Their size in UTF-8."""
        return sum(len(text.encode()) for text in self.documents) / 1e6


def raw_tiktoken(documents: list[str]) -> None:
    ranks = Tokenizer.gpt2()._vocabulary.ordinary
    encoding = tiktoken.Encoding("raw", pat_str=TIKTOKEN_PATTERN, mergeable_ranks=ranks, special_tokens={})
    for text in documents:
        encoding.encode_ordinary(text)


def raw_in_processes(documents: list[str], processes: int) -> None:
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(raw_tiktoken, [documents[place::processes] for place in range(processes)], chunksize=1)
        pool.close()
        pool.join()


def ours(path: Path, processes: int) -> None:
    """A whole preparation, processes started and shards on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        prepare(read_documents([path]), Tokenizer.gpt2(), Path(folder) / "out", number_of_processes=processes)


def datasets_map(path: Path, processes: int) -> None:
    """The usual way of datasets: load, map transformers' fast tokenizer over batches, ids on the disk."""
    import datasets
    from transformers import AutoTokenizer

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as folder:
        Tokenizer.gpt2().save(Path(folder) / "tokenizer")
        tokenizer = AutoTokenizer.from_pretrained(Path(folder) / "tokenizer")
        rows = datasets.load_dataset("parquet", data_files=str(path), split="train", cache_dir=folder)
        rows.map(
            lambda batch: {"ids": tokenizer(batch["text"])["input_ids"]},
            batched=True,
            remove_columns=rows.column_names,
            num_proc=processes if processes > 1 else None,
        )


def seconds_of(contender: Callable[[], None]) -> tuple[float, float]:
    """Wall time and processor time of this process and its children."""
    before, begin = os.times(), time.perf_counter()
    contender()
    wall, after = time.perf_counter() - begin, os.times()
    return wall, sum(after[:4]) - sum(before[:4])


def contenders_of(texts: Texts, processes: int, *, with_datasets: bool) -> dict[str, tuple[int, Callable[[], None]]]:
    """What is compared: name -> (processes, function)."""
    contenders: dict[str, tuple[int, Callable[[], None]]] = {
        "raw tiktoken": (1, lambda: raw_tiktoken(texts.documents)),
        "gpt25, JSON lines": (1, lambda: ours(texts.lines, 1)),
        "gpt25, Parquet": (1, lambda: ours(texts.table, 1)),
    }
    if with_datasets:
        contenders["datasets.map"] = (1, lambda: datasets_map(texts.table, 1))
    if processes > 1:
        contenders |= {
            f"raw tiktoken x {processes}": (processes, lambda: raw_in_processes(texts.documents, processes)),
            f"gpt25, JSON lines x {processes}": (processes, lambda: ours(texts.lines, processes)),
            f"gpt25, Parquet x {processes}": (processes, lambda: ours(texts.table, processes)),
        }
        if with_datasets:
            contenders[f"datasets.map x {processes}"] = (processes, lambda: datasets_map(texts.table, processes))
    return contenders


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--megabytes", type=float, default=64.0)
    parser.add_argument("--document-characters", type=int, help="cut the documents into pieces of about this length")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--datasets", action="store_true")
    arguments = parser.parse_args()

    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # one thread a process, for all
    documents = list(read_texts(arguments.sources, arguments.megabytes * 1e6, arguments.document_characters))
    with tempfile.TemporaryDirectory() as folder:
        few = written(documents[: len(documents) // 8], Path(folder) / "few")
        all_of_them = written(documents, Path(folder) / "all")
        print(f"{len(documents):,} documents, {all_of_them.megabytes:.1f} MB")
        for _, contender in contenders_of(few, arguments.processes, with_datasets=arguments.datasets).values():
            contender()  # what is imported at the first call is not measured
        taken: dict[str, list[list[tuple[float, float]]]] = {}
        for _ in range(arguments.repeats):
            for place, texts in enumerate((few, all_of_them)):
                for name, (_, contender) in contenders_of(
                    texts, arguments.processes, with_datasets=arguments.datasets
                ).items():
                    taken.setdefault(name, [[], []])[place].append(seconds_of(contender))
        processes = {
            name: count for name, (count, _) in contenders_of(few, arguments.processes, with_datasets=True).items()
        }
    report(taken, processes, few.megabytes, all_of_them.megabytes)


def read_texts(sources: list[str], most_bytes: float, length: int | None) -> Iterator[str]:
    size = 0
    for document in read_documents(sources):
        text = document.content.decode()
        step = length or len(text)
        for start in range(0, len(text), step):
            yield text[start : start + step]
        size += len(document.content)
        if size >= most_bytes:
            return


def written(documents: list[str], path: Path) -> Texts:
    import pyarrow
    from pyarrow import parquet

    lines, table = path.with_suffix(".jsonl"), path.with_suffix(".parquet")
    with open(lines, "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in documents)
    parquet.write_table(pyarrow.table({"text": documents}), table, row_group_size=1000)
    return Texts(documents, lines, table)


def report(
    taken: dict[str, list[list[tuple[float, float]]]], processes: dict[str, int], few: float, megabytes: float
) -> None:
    """A table of megabytes a second and core; "after the start" in processor time, and its share of raw tiktoken's."""

    def best(name: str, place: int, kind: int) -> float:
        return min(seconds[kind] for seconds in taken[name][place])

    raw = (megabytes - few) / (best("raw tiktoken", 1, 1) - best("raw tiktoken", 0, 1))
    print("| contender | by wall time | by processor time | range | after the start | of raw tiktoken |")
    print("|---|---|---|---|---|---|")
    for name, (_, all_seconds) in taken.items():
        rates = sorted(megabytes / cpu for _, cpu in all_seconds)
        wall = megabytes / best(name, 1, 0) / processes[name]
        after = (megabytes - few) / (best(name, 1, 1) - best(name, 0, 1))
        print(
            f"| {name} | {wall:.2f} | {rates[-1]:.2f} | {rates[0]:.2f} to {rates[-1]:.2f} | {after:.2f} | "
            f"{after / raw:.0%} |"
        )


if __name__ == "__main__":
    main()
