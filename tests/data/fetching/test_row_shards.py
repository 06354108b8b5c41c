"""Shards of rows: a sample of the whole set each, resumable, of one commit, and no bad row passes."""

import json
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpt25.data import open_shards, read_prepared_data, verify
from gpt25.tokenizer import Tokenizer

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from climbmix_rows import CLUSTERS, PROGRAM, row, write_parts
from hub_stand_in import COMMIT, Hub, hub

del sys.path[:2]

END = 50256


@pytest.fixture
def served(tmp_path: Path):  # type: ignore[no-untyped-def]
    write_parts(tmp_path / "hub")
    with hub(tmp_path / "hub", tmp_path / "home") as it:
        yield it


def fetch(served: Hub, out: Path, shards: int) -> dict[str, Any]:
    done = served.run(PROGRAM, "data", "fetch", "climbmix", "--output", out, "--shards", shards, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def documents_of(directory: Path, split: Any = "train") -> list[str]:
    shards = open_shards(directory, split)
    text = Tokenizer.gpt2().decode(shards.tokens(0, shards.number_of_tokens).tolist())
    return text.split("<|endoftext|>")[1:]


def test_every_shard_is_a_sample_of_all_clusters(served: Hub, tmp_path: Path) -> None:
    out = tmp_path / "out"
    data = fetch(served, out, 3)
    assert [shard["tokens"] for shard in data["train"]["shards"]] == [1500] * 3
    assert data["validation_tokens"] == 1500
    assert data["sources"] == [f"hf://datasets/nvidia/Nemotron-ClimbMix@{COMMIT}"]
    assert data["licence"] == "CC BY-NC 4.0: not for commercial use"
    assert sorted(path.name for path in out.iterdir()) == [
        "checked.json",
        "climbmix_train_000001.bin",
        "climbmix_train_000002.bin",
        "climbmix_train_000003.bin",
        "climbmix_val_000000.bin",
        "index.json",
        "tokenizer",
    ]
    assert verify(out).tokenizer_name == "gpt2"
    train, held_out = documents_of(out), documents_of(out, "validation")
    assert data["train"]["documents"] == len(train)
    clusters = Counter(int(text.split()[1].rstrip(",")) for text in train)
    assert len(clusters) == CLUSTERS, f"only of {clusters}"
    assert len({text.split()[1] for text in held_out}) >= 4
    names = [" ".join(text.split()[:4]) for text in [*train, *held_out]]
    whole = [name for name in names if name.endswith(":")]  # the last document of a shard is cut
    assert len(set(whole)) == len(whole), "a document is in two shards"
    neighbours = [text.split()[1] for text in train[:20]]
    assert neighbours != sorted(neighbours), "the documents of a shard lie as they were fetched"


def test_more_shards_are_added_and_the_same_ones_are_made_again(served: Hub, tmp_path: Path) -> None:
    whole = fetch(served, tmp_path / "at once", 3)
    out = tmp_path / "out"
    fetch(served, out, 1)
    before = len(served.requests)
    more = fetch(served, out, 3)
    again = [request for request in served.requests[before:] if "revision/" in request]
    assert again
    assert all(request.endswith(f"revision/{COMMIT}") for request in again), "another commit may have other rows"
    assert more["train"] == whole["train"]
    before = len(served.downloads())
    assert fetch(served, out, 2) == more  # nothing is taken away
    assert len(served.downloads()) == before


def test_what_an_interruption_left_is_used_and_a_damaged_shard_made_again(served: Hub, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole = fetch(served, out, 3)
    for_four = len(served.downloads())
    (out / "index.json").unlink()
    (out / "climbmix_train_000003.bin").unlink()
    damaged = out / "climbmix_train_000001.bin"
    good = damaged.read_bytes()
    damaged.write_bytes(good[:-2] + b"\0\0")
    assert fetch(served, out, 3) == whole
    assert damaged.read_bytes() == good
    assert len(served.downloads()) - for_four == pytest.approx(for_four / 2, abs=4)  # two of four shards
    (out / "checked.json").unlink()
    (out / "index.json").unlink()
    assert fetch(served, out, 3) == whole  # nothing told what they were: all are made again


def test_killed_it_goes_on_with_the_next_shard(served: Hub, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["data", "fetch", "climbmix", "--output", out, "--shards", 7]
    command = [sys.executable, "-c", PROGRAM, *map(str, words)]
    begun = subprocess.Popen(command, env=served.environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    third = out / "climbmix_train_000003.bin"
    while not third.exists() and begun.poll() is None:
        time.sleep(0.01)
    begun.kill()
    begun.wait()
    second = out / "climbmix_train_000002.bin"
    kept = second.stat().st_mtime_ns
    assert fetch(served, out, 7) == fetch(served, tmp_path / "whole", 7) | {"directory": str(out)}
    assert second.stat().st_mtime_ns == kept, "it was made again"


def refused(served: Hub, tmp_path: Path, *words: object) -> str:
    done = served.run(PROGRAM, "data", "fetch", "climbmix", "--output", tmp_path / "out", *words)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_the_licence_is_said_before_anything_is_fetched(served: Hub, tmp_path: Path) -> None:
    done = served.run(PROGRAM, "data", "fetch", "climbmix", "--output", tmp_path / "out", "--shards", 1)
    said = f"hf://datasets/nvidia/Nemotron-ClimbMix@{COMMIT}: licence CC BY-NC 4.0: not for commercial use"
    assert said in done.stderr
    assert "licence: CC BY-NC 4.0: not for commercial use" in done.stdout
    shown = served.gpt25("data", "show", tmp_path / "out")
    assert "licence: CC BY-NC 4.0: not for commercial use" in shown.stdout
    assert read_prepared_data(tmp_path / "out").licence == "CC BY-NC 4.0: not for commercial use"


def test_how_many_are_wanted_has_to_be_said(served: Hub, tmp_path: Path) -> None:
    assert "say how many shards (--shards 51)" in refused(served, tmp_path)
    assert re.search(r"climbmix has \d+ training shards; 999 cannot be", refused(served, tmp_path, "--shards", 999))
    assert served.downloads() == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": "no ids"}', "has no field 'tokens'; its fields: 'text'"),
        ('{"tokens": [1, 2, 50257, 3]}', "tokens[2] is 50,257, beyond the last id of GPT-2's tokenizer, 50,256"),
        ('{"tokens": [1, 70000]}', "tokens[1] is 70000; an id is a whole number"),
        ('{"tokens": [1, -5]}', "tokens[1] is -5; an id is a whole number"),
        ('{"tokens": [1, 2.5]}', "tokens[1] is 2.5; an id is a whole number"),
        ('{"tokens": "12"}', "tokens is '12'; it must be a list of ids"),
        ('{"tokens": [1, 2, 3], "token_count": 4}', "has 3 ids and says token_count 4: it is damaged"),
        ("[1, 2]", "is [1, 2]; a row is an object with a list of ids, 'tokens'"),
        ("{", "is not JSON"),
    ],
)
def test_a_bad_row_is_named(content: str, message: str, served: Hub, tmp_path: Path) -> None:
    for part in (tmp_path / "hub" / "nvidia" / "Nemotron-ClimbMix").glob("*.jsonl"):
        part.write_text(part.read_text().replace("\n", f"\n{content}\n"))
    said = refused(served, tmp_path, "--shards", 1)
    assert message in said
    assert re.search(r"Nemotron-ClimbMix/part_\d\.tokenized\.jsonl, the row at byte [\d,]+", said)


def test_rows_may_have_an_end_of_text_token_or_nothing(served: Hub, tmp_path: Path) -> None:
    for part in (tmp_path / "hub" / "nvidia" / "Nemotron-ClimbMix").glob("*.jsonl"):
        rows = [json.loads(line) for line in part.read_text().splitlines()]
        for number, each in enumerate(rows):
            del each["token_count"]
            each["tokens"] = [[END, *each["tokens"], END], [], [END], each["tokens"]][number % 4]
        part.write_text("".join(json.dumps(each) + "\n\n" for each in rows))
    out = tmp_path / "out"
    fetch(served, out, 1)
    shards = open_shards(out, "train")
    ids = shards.tokens(0, shards.number_of_tokens)
    places = np.flatnonzero(ids == END)
    assert places[0] == 0
    assert (np.diff(places) > 1).all(), "an end-of-text token without a text"


def test_too_few_rows_are_told(served: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "hub" / "nvidia" / "Nemotron-ClimbMix"
    for part in folder.glob("*.jsonl"):
        size = part.stat().st_size
        part.write_text((json.dumps({"tokens": [5], "note": "x" * 400}) + "\n") * (size // 420))
    assert re.search(r"give \d+ tokens of 1,500: the set is not as it was", refused(served, tmp_path, "--shards", 1))
    for part in folder.glob("*.jsonl"):
        part.unlink()
    assert "Nemotron-ClimbMix on the Hub matches *.jsonl" in refused(served, tmp_path, "--shards", 1)


def test_a_row_longer_than_a_stretch_is_passed_over(served: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "hub" / "nvidia" / "Nemotron-ClimbMix"
    part = folder / "part_0.tokenized.jsonl"
    long = json.dumps({"tokens": [7] * 4000})  # 12 kB; a stretch has 6
    lines = part.read_text().splitlines()
    part.write_text("\n".join([*lines[:50], long, *lines[50:]]) + "\n")
    for number in range(2, 6):
        rows = [row(3, 1000 * number + place) for place in range(150)]
        (folder / f"part_{number}.tokenized.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows))
    out = tmp_path / "out"
    assert fetch(served, out, 3)["train"]["tokens"] == 4500
    assert not any(text.startswith(Tokenizer.gpt2().decode([7] * 5)) for text in documents_of(out))
