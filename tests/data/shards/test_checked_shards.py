import os
import sys
from pathlib import Path

import pytest

from gpt25.data import is_fetched
from gpt25.data.shards.checked_shards import CHECKED_NAME, CheckedShards
from gpt25.data.shards.shard_contents import ShardContents
from gpt25.errors import ConfigurationError

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "fetching"))
from hub_stand_in import hub
from text_shards import write_shard

del sys.path[:2]

CONTENTS = ShardContents(tokens=9, documents=2, bytes=30, sha256="a" * 64)


def test_a_file_that_has_not_changed_holds_what_was_counted(tmp_path: Path) -> None:
    path = tmp_path / "shard.bin"
    path.write_bytes(b"nine tokens")
    CheckedShards("hf://datasets/some/set").keep(path, CONTENTS)
    checked = CheckedShards.read(tmp_path)
    assert checked.source == "hf://datasets/some/set"
    assert checked.contents(path) == CONTENTS
    assert checked.contents(tmp_path / "other.bin") is None
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert checked.contents(path) is None
    path.unlink()
    assert checked.contents(path) is None


@pytest.mark.parametrize("content", ["", "[]", '{"shards": {"a.bin": {"tokens": -1}}}', '{"source": 3}'])
def test_a_damaged_record_counts_as_none(content: str, tmp_path: Path) -> None:
    (tmp_path / CHECKED_NAME).write_text(content)
    assert CheckedShards.read(tmp_path) == CheckedShards()


def test_fetched_is_only_what_the_index_has_and_was_read_through(tmp_path: Path) -> None:
    folder = tmp_path / "hub" / "kjj0" / "fineweb10B-gpt2"
    folder.mkdir(parents=True)
    for name in ("val_000000", "train_000001", "train_000002"):
        write_shard(folder / f"fineweb_{name}.bin", ["some text"] * 3)
    out = tmp_path / "out"
    assert not is_fetched(out, "fineweb10B", 1)
    with hub(tmp_path / "hub", tmp_path / "home") as served:
        done = served.gpt25("data", "fetch", "fineweb10B", "--output", out)
        assert done.returncode == 0, done.stderr
    assert is_fetched(out, "fineweb10B", 2)
    assert not is_fetched(out, "fineweb10B", 3)
    assert not is_fetched(out, "finewebedu10B", 2)
    (out / CHECKED_NAME).rename(out / "aside")
    assert not is_fetched(out, "fineweb10B", 2)
    (out / "aside").rename(out / CHECKED_NAME)
    assert is_fetched(out, "fineweb10B", 2)
    (out / "fineweb_train_000002.bin").unlink()
    assert not is_fetched(out, "fineweb10B", 2)


def test_an_unknown_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no public set 'c4'"):
        is_fetched(tmp_path, "c4", 1)
