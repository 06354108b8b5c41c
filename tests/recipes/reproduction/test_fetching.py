"""What a reproduction fetches: once, and nothing of it is asked for or read through again while it stays as it is."""

import json
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "data"))
sys.path.insert(0, str(Path(__file__).parent))
from hub_stand_in import Hub, hub
from public_data import PROGRAM, stand_in_of_the_hub

del sys.path[:2]

TRAIN = "fineweb_train_000001.bin"


def shards_of(run: Path) -> Path:
    return run / "shards"


def test_a_finished_fetch_needs_neither_the_hub_nor_another_reading(tmp_path: Path) -> None:
    root, recipe = stand_in_of_the_hub(tmp_path)
    run = tmp_path / "run"
    words = ["reproduce", "--run", run, "--recipe", recipe, "--device", "cpu", "--json"]
    with hub(root, tmp_path / "home") as served:
        first = served.run(PROGRAM, *words)
        assert first.returncode == 0, first.stderr[-3000:]
    verdict = json.loads(first.stdout)
    known = f"data: {shards_of(run)} is as it was when it was checked"
    assert known not in first.stderr

    (run / "verdict.json").unlink()
    again = served.run(PROGRAM, *words)  # the stand-in is switched off
    assert again.returncode == 0, again.stderr[-3000:]
    assert known in again.stderr
    assert json.loads(again.stdout)["figures"] == verdict["figures"]

    path = shards_of(run) / TRAIN
    whole, times = path.read_bytes(), path.stat()
    path.write_bytes(whole + b"\0\0")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # another size, as old as before
    missing = served.run(PROGRAM, *words)
    assert missing.returncode == 2
    assert "the Hub cannot be reached" in missing.stderr
    with hub(root, tmp_path / "home") as served:
        mended = served.run(PROGRAM, *words)
        assert mended.returncode == 0, mended.stderr[-3000:]
        assert [name for name in served.downloads() if name.endswith(".bin")] == [TRAIN]
    assert path.read_bytes() == whole

    times = path.stat()
    path.write_bytes(whole[:-1] + b"\1")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # nothing but the bytes tells: `verify` reads them
    found = served.gpt25("data", "verify", shards_of(run))
    assert found.returncode == 2
    assert f"{TRAIN} has SHA-256" in found.stderr


@pytest.fixture
def served(tmp_path: Path):  # type: ignore[no-untyped-def]
    root, _ = stand_in_of_the_hub(tmp_path)
    with hub(root, tmp_path / "home") as it:
        yield it


def reproduce(served: Hub, folder: Path) -> str:
    recipe = folder / "small.toml"
    done = served.run(PROGRAM, "reproduce", "--run", folder / "run", "--recipe", recipe, "--device", "cpu")
    assert done.returncode == 2, done.stderr[-3000:]
    return done.stderr


def test_an_opponent_that_is_no_gpt2_is_refused_before_any_shard_is_fetched(served: Hub, tmp_path: Path) -> None:
    config = tmp_path / "hub" / "openai-community" / "gpt2" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "model_type": "llama"}))
    assert "config.json has model_type 'llama'" in reproduce(served, tmp_path)
    assert served.downloads() == []
    assert not any("safetensors" in request for request in served.requests)


def test_an_opponent_whose_tensors_do_not_fit_is_refused_by_their_headers(served: Hub, tmp_path: Path) -> None:
    config = tmp_path / "hub" / "openai-community" / "gpt2" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "n_positions": 32}))
    assert "transformer.wpe.weight  32 × 4    64 × 4" in reproduce(served, tmp_path)
    assert served.downloads() == []
