import json
import sys
from pathlib import Path

import pytest

from gpt25.data import list_shards, open_shards, verify
from gpt25.errors import ConfigurationError
from gpt25.tokenizer import Tokenizer

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from hub_stand_in import Hub, hub
from text_shards import write_shard

del sys.path[:2]


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    for repository, prefix in (("fineweb10B-gpt2", "fineweb"), ("finewebedu10B-gpt2", "finewebedu")):
        folder = tmp_path / "hub" / "kjj0" / repository
        folder.mkdir(parents=True)
        write_shard(folder / f"{prefix}_val_000000.bin", ["held out 🙂", "and more"])
        for number in range(1, 5):
            write_shard(folder / f"{prefix}_train_{number:06d}.bin", [f"text {number}"] * 20)
        (folder / "README.md").write_text("no shard")
    return tmp_path / "hub"


@pytest.fixture
def served(sets: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    with hub(sets, tmp_path / "home") as it:
        yield it


def fetch(served: Hub, *words: object) -> dict:
    done = served.gpt25("data", "fetch", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_shards_are_fetched_counted_and_trained_on_as_they_are(served: Hub, sets: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    data = fetch(served, "fineweb10B", "--output", out, "--shards", 2)
    assert [shard["file"] for shard in data["train"]["shards"]] == [
        "fineweb_train_000001.bin",
        "fineweb_train_000002.bin",
    ]
    assert data["validation"]["documents"] == 2
    assert data["validation"]["bytes"] == len("held out 🙂and more".encode())
    assert data["train"]["documents"] == 40
    assert data["validation_tokens"] == data["validation"]["tokens"]
    assert sorted(path.name for path in out.iterdir() if path.suffix != ".bin") == [
        "checked.json",
        "index.json",
        "tokenizer",
    ]
    name = "fineweb_val_000000.bin"
    assert (out / name).read_bytes() == (sets / "kjj0" / "fineweb10B-gpt2" / name).read_bytes()
    assert verify(out).tokenizer_name == "gpt2"
    shards = open_shards(out, "train", tokenizer=Tokenizer.gpt2())
    assert Tokenizer.gpt2().decode(shards.tokens(0, 4).tolist()) == "<|endoftext|>text 1<|endoftext|>"

    before = len(served.downloads())
    more = fetch(served, "fineweb10B", "--output", out)
    assert len(more["train"]["shards"]) == 4
    assert len(served.downloads()) == before + 2
    assert fetch(served, "fineweb10B", "--output", out, "--shards", 1) == more  # nothing is taken away
    assert len(served.downloads()) == before + 2


def test_what_an_interruption_left_is_used_and_a_damaged_shard_fetched_again(served: Hub, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole = fetch(served, "finewebedu10B", "--output", out)
    (out / "index.json").unlink()
    (out / "finewebedu_train_000003.bin").unlink()
    path = out / "finewebedu_train_000002.bin"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    short = out / "finewebedu_train_000004.bin"
    short.write_bytes(short.read_bytes()[:-1])
    served.requests.clear()
    assert fetch(served, "finewebedu10B", "--output", out) == whole
    assert sorted(served.downloads()) == [f"finewebedu_train_00000{number}.bin" for number in (2, 3, 4)]


def test_what_is_wrong_is_told_in_a_line(served: Hub, sets: Path, tmp_path: Path) -> None:
    def refused(*words: object) -> str:
        done = served.gpt25("data", "fetch", *words)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    out = ("--output", tmp_path / "out")
    assert "fineweb10B has 4 training shards; 9 cannot be fetched" in refused("fineweb10B", *out, "--shards", 9)
    fetch(served, "fineweb10B", *out, "--shards", 1)
    other = refused("finewebedu10B", *out)
    assert "holds data of hf://datasets/kjj0/fineweb10B-gpt2, not of hf://datasets/kjj0/finewebedu10B-gpt2" in other
    folder = sets / "kjj0" / "fineweb10B-gpt2"
    write_shard(folder / "fineweb_train_000002.bin", ["text"], last=50257)
    wrong = refused("fineweb10B", "--output", tmp_path / "ids")
    assert "fineweb_train_000002.bin: token 50,257 at byte 1,028 is beyond the vocabulary of 50,257" in wrong
    header = (folder / "fineweb_train_000002.bin").read_bytes()[:1024]
    (folder / "fineweb_train_000002.bin").write_bytes(
        header[:8] + (9).to_bytes(4, "little") + header[12:] + b"\1\0" * 9
    )
    said = refused("fineweb10B", "--output", tmp_path / "bare")
    assert "fineweb_train_000002.bin: none of its 9 tokens is the end-of-text token 50,256" in said
    (folder / "fineweb_train_000002.bin").write_bytes(b"short")
    assert "fineweb_train_000002.bin ends at byte 5" in refused("fineweb10B", "--output", tmp_path / "header")
    for path in folder.glob("*_train_*"):
        path.unlink()
    none = refused("fineweb10B", "--output", tmp_path / "none")
    assert "kjj0/fineweb10B-gpt2 on the Hub has no shards fineweb_val_… and fineweb_train_…" in none


def test_an_unknown_set_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no public set 'c4'; there are fineweb10B, finewebedu10B, climbmix"):
        list_shards("c4")
