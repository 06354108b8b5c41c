"""Whatever a file of ours has become, reading it ends well or in our own error, in bounded time and memory.

GPT25_FUZZ_EXAMPLES=2000 tries that many of every file, instead of the few that every run of the suite tries. The
examples are always the same ones.
"""

import json
import os
import resource
import sys
import time
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gpt25.data.preparation.chunks import read_chunk
from gpt25.data.preparation.segment_record import finished_segments
from gpt25.errors import GPT25Error
from gpt25.weights.config_file import read_config

sys.path.insert(0, str(Path(__file__).parent))
from damages import damaged_bytes, damaged_json, damaged_json_lines, damaged_toml
from workshop import Workshop

sys.path.pop(0)

EXAMPLES = int(os.environ.get("GPT25_FUZZ_EXAMPLES", "25"))
MOST_SECONDS, MOST_MEGABYTES = 10.0, 600


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"))


def as_toml(content: bytes) -> st.SearchStrategy[bytes]:
    return damaged_toml(content, tomllib.loads(content.decode()))


def as_safetensors(content: bytes) -> st.SearchStrategy[bytes]:
    """A safetensors file whose header has other values, or with other bytes, most of them in the header."""
    length = int.from_bytes(content[:8], "little")
    headers = damaged_json(content[8 : 8 + length])
    whole = headers.map(lambda header: len(header).to_bytes(8, "little") + header + content[8 + length :])
    return st.one_of(whole, damaged_bytes(content[: 8 + length]).map(lambda front: front + content[8 + length :]))


Case = tuple[str, Callable[[bytes], st.SearchStrategy[bytes]], Callable[[Workshop], None]]
CASES: list[Case] = [
    ("data/index.json", damaged_json, Workshop.read_data),
    ("arriving/arriving.json", damaged_json, Workshop.read_arriving),
    ("data/SHARD", damaged_bytes, Workshop.read_data),
    ("public/set_train_000001.bin", damaged_bytes, Workshop.read_public),
    ("run/checkpoints/update-000005/MANIFEST.json", damaged_json, Workshop.read_manifest),
    ("run/checkpoints/update-000005/state.json", damaged_json, Workshop.read_state),
    ("run/summary.json", damaged_json, Workshop.read_run),
    ("run/environment.json", damaged_json, Workshop.read_run),
    ("run/metrics.jsonl", damaged_json_lines, Workshop.read_run),
    ("run/samples.jsonl", damaged_json_lines, Workshop.read_run),
    ("run/evaluations/EVALUATION", damaged_json, Workshop.read_run),
    ("run/run.toml", as_toml, Workshop.read_run),
    ("other.json", damaged_json, Workshop.read_run),
    ("recipe.toml", as_toml, Workshop.read_recipe),
    ("tokenizer/tokenizer.json", damaged_json, lambda shop: shop.read_tokenizer("tokenizer")),
    *((f"pair/{name}", damaged_json, lambda shop: shop.read_tokenizer("pair")) for name in
      ("vocab.json", "added_tokens.json", "tokenizer_config.json", "special_tokens_map.json")),
    ("pair/merges.txt", damaged_bytes, lambda shop: shop.read_tokenizer("pair")),
    ("model/config.json", damaged_json, lambda shop: shop.read_model("model")),
    ("model/generation_config.json", damaged_json, lambda shop: shop.read_model("model")),
    ("model/model.safetensors", as_safetensors, lambda shop: shop.read_model("model")),
    ("parts/model.safetensors.index.json", damaged_json, lambda shop: shop.read_model("parts")),
    ("openai/hparams.json", damaged_json, lambda shop: read_config(shop.root / "openai")),
    ("texts.jsonl", damaged_json_lines, lambda shop: shop.read_documents("texts.jsonl")),
    ("texts.jsonl.gz", damaged_bytes, lambda shop: shop.read_documents("texts.jsonl.gz")),
    ("texts.jsonl.zst", damaged_bytes, lambda shop: shop.read_documents("texts.jsonl.zst")),
    ("texts.parquet", damaged_bytes, lambda shop: shop.read_documents("texts.parquet")),
]  # fmt: skip
CASES += [
    (
        f"{task}.{suffix}",
        damage,
        partial(lambda shop, task, name: shop.read_set(task, name), task=task, name=f"{task}.{suffix}"),
    )
    for task in ("hellaswag", "piqa", "arc-easy", "winogrande", "lambada")
    for suffix, damage in (("jsonl", damaged_json_lines), ("json", damaged_json))
]


@pytest.mark.parametrize(("name", "damage", "read"), CASES, ids=[name for name, _, _ in CASES])
def test_a_damaged_file_is_read_or_refused(
    name: str, damage: Any, read: Callable[[Workshop], None], workshop: Workshop
) -> None:
    path = path_of(workshop, name)
    whole = path.read_bytes()
    read(workshop)
    outcomes, messages = {"read": 0, "refused": 0}, []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate] if EXAMPLES <= 100 else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(damage(whole))
    def try_one(content: bytes) -> None:
        path.write_bytes(content)
        begun = time.monotonic()
        try:
            read(workshop)
            outcomes["read"] += 1
        except GPT25Error as problem:
            outcomes["refused"] += 1
            messages.append(str(problem))
        assert time.monotonic() - begun < MOST_SECONDS

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        try_one()
    finally:
        path.write_bytes(whole)
    read(workshop)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < MOST_MEGABYTES
    assert outcomes["refused"]
    assert all(0 < len(message) < 2000 for message in messages)


def path_of(workshop: Workshop, name: str) -> Path:
    if name.endswith("SHARD"):
        return sorted((workshop.root / "data").glob("*train*.bin"))[0]
    if name.endswith("EVALUATION"):
        return next(workshop.run.evaluations_path.glob("*.json"))
    return workshop.root / name


def test_damaged_records_of_a_preparation_are_made_again(tmp_path: Path) -> None:
    @settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.data())
    def try_one(data: st.DataObject) -> None:
        record = {"key": "k", "sha256": "s", "by_position": True, "counts": {"replaced": 0}, "chunks": [chunk]}
        (tmp_path / "segment-000000.json").write_bytes(data.draw(damaged_json(json.dumps(record).encode())))
        (tmp_path / "chunk-000000").write_bytes(data.draw(damaged_json(json.dumps(chunk).encode())) + b"\nabcd")
        finished_segments(tmp_path, ["k"])
        read_chunk(tmp_path / "chunk-000000", "c")

    chunk = {"key": "c", "tokens": {"train": 2, "validation": 0}, "documents": {"train": 1, "validation": 0},
             "bytes": {"train": 4, "validation": 0}, "sha256": "0" * 64}  # fmt: skip
    try_one()
