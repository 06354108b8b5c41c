"""One process is alone; two agree, sum and wait; and when one dies or never comes, the other says which it is."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from gpt25.errors import ConfigurationError, TrainingError
from gpt25.runtime import Ranks

ROOT = Path(__file__).parents[2]
TWO_RANKS = """
import pathlib, sys, time, torch
from gpt25.errors import TrainingError
from gpt25.runtime import Ranks

ranks = Ranks.from_environment()
# Both have imported torch before the short time-out begins to count.
here = pathlib.Path(sys.argv[1])
(here / f"ready-{ranks.rank}").touch()
while not (here / f"ready-{1 - ranks.rank}").exists():
    time.sleep(0.02)
ranks.connect(torch.device("cpu"), timeout_seconds=5)
assert ranks.number_of_ranks == 2
assert ranks.agree(ranks.rank == 1) is True
assert ranks.agree(False) is False
assert ranks.sum([float(ranks.rank), 1e-9]) == [1.0, 2e-9]
assert ranks.mean([float(ranks.rank), 3.0]) == [0.5, 3.0]
assert ranks.broadcast_text("why: \u2013 é" if ranks.rank == 0 else "something longer than that") == "why: \u2013 é"
ranks.barrier()
print(f"rank {ranks.rank} agreed", flush=True)
if ranks.rank == 1:
    time.sleep(100)
try:
    ranks.agree(False)
except TrainingError as problem:
    print(problem, flush=True)
    sys.exit(2)
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_one_process_is_alone_and_everything_is_local() -> None:
    ranks = Ranks.from_environment({})
    assert ranks == Ranks(rank=0, number_of_ranks=1, local_rank=0)
    assert ranks.is_first
    assert ranks.is_alone
    ranks.connect(torch.device("cpu"))
    assert not torch.distributed.is_initialized()
    assert ranks.agree(True) is True
    assert ranks.agree(False) is False
    assert ranks.sum([1.0, 2.5]) == [1.0, 2.5]
    assert ranks.mean([1.0, 2.5]) == [1.0, 2.5]
    assert ranks.broadcast_text("why: é") == "why: é"
    ranks.barrier()
    ranks.disconnect()


def test_environment_of_torchrun() -> None:
    ranks = Ranks.from_environment({"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1"})
    assert ranks == Ranks(rank=5, number_of_ranks=8, local_rank=1)
    assert not ranks.is_first
    assert ranks.device_for(torch.device("cuda")) == torch.device("cuda", 1)
    assert ranks.device_for(torch.device("cuda", 0)) == torch.device("cuda", 0)
    assert ranks.device_for(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"RANK": "0"}, "the environment has RANK but not WORLD_SIZE, LOCAL_RANK: start with torchrun, or unset all"),
        ({"RANK": "0", "WORLD_SIZE": "two", "LOCAL_RANK": "0"}, "the environment's WORLD_SIZE is 'two', which is not"),
        ({"RANK": "2", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}, r"rank 2 \(local rank 0\) of 2 cannot be: ranks count"),
    ],
)
def test_an_environment_that_cannot_be_is_refused(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        Ranks.from_environment(environment)


def test_two_ranks_agree_until_one_hangs(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(TWO_RANKS)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    start = time.monotonic()
    done = subprocess.run([*torchrun, script, tmp_path], capture_output=True, text=True, timeout=120, env=environment)
    assert "rank 0 agreed" in done.stdout, done.stderr
    assert "rank 1 agreed" in done.stdout
    assert done.returncode != 0
    assert "rank 0 of 2 lost another rank: " in done.stdout
    assert "the same command resumes from the last complete checkpoint" in done.stdout
    assert time.monotonic() - start < 90, "the rank that hangs was waited for"


def test_meeting_nobody_names_rank_and_address(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(port))
    with pytest.raises(TrainingError) as caught:
        Ranks(rank=1, number_of_ranks=2, local_rank=1).connect(torch.device("cpu"), timeout_seconds=1)
    message = str(caught.value)
    assert message.startswith(
        f"rank 1 of 2 could not meet the others at MASTER_ADDR:MASTER_PORT 127.0.0.1:{port} within 1 s: "
    )
    assert "Check that all ranks were started" in message


def test_meeting_without_an_address_says_that_it_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    monkeypatch.delenv("MASTER_PORT", raising=False)
    with pytest.raises(TrainingError, match=r"MASTER_ADDR:MASTER_PORT \(unset\):\(unset\)"):
        Ranks(rank=1, number_of_ranks=2, local_rank=1).connect(torch.device("cpu"), timeout_seconds=1)


def test_a_rank_without_a_gpu_of_its_own_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(device: torch.device) -> None:
        raise RuntimeError("CUDA error: invalid device ordinal\nmore")

    monkeypatch.setattr(torch.cuda, "set_device", refuse)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    expected = (
        r"rank 3 of 4 cannot use cuda:3: CUDA error: invalid device ordinal\. This machine shows 2 GPU\(s\); start"
    )
    with pytest.raises(TrainingError, match=expected):
        Ranks(rank=3, number_of_ranks=4, local_rank=3).connect(torch.device("cuda"))
