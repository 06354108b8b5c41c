"""Whole runs under torchrun's agents, one of them or two that play two machines, and what is done to them meanwhile."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.cli.main import main
from gpt25.records import RunDirectory

PATIENCE_SECONDS = 90.0
UPDATES = 60

RECIPE = """
[model]
block_size = 16
vocabulary_size = 300
number_of_layers = 1
number_of_heads = 1
number_of_embedding_dimensions = 16
[data]
validation_tokens = 160
[batch]
tokens_per_update = 64
[optimizer]
peak_learning_rate = 1e-3
[schedule]
warm_up_updates = 2
[loop]
number_of_updates = 60
validation_interval_in_updates = 30
samples_interval_in_updates = 30
checkpoint_interval_in_updates = 10
device = "cpu"
precision = "float32"
timeout_seconds = 20
"""


@pytest.fixture(scope="module")
def recipe_content() -> str:
    """Sixty updates of four rows."""
    return RECIPE


@pytest.fixture(scope="module")
def undisturbed(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """The run of one process that nobody touches."""
    run = RunDirectory(tmp_path_factory.mktemp("undisturbed"))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    assert main(["train", str(recipe), "--run", str(run.path)]) == 0
    torch.set_num_threads(before)
    return run


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start an agent of torchrun with `gpt25 train`; whatever still runs at the end is killed with all its children."""
    agents: list[subprocess.Popen[str]] = []

    def call(torchrun: list[object], words: list[object]) -> subprocess.Popen[str]:
        logs = tmp_path / f"agent-{len(agents)}"
        command = ["-m", "torch.distributed.run", "--monitor-interval", 0.1, "--redirects", 3, "--log-dir", logs]
        command += [*torchrun, "-m", "--", "gpt25", "train", *words]
        agent = subprocess.Popen(
            [sys.executable, *map(str, command)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            # The last one: restarts on several machines need it, see gpt25/runtime/ranks.py.
            env={**os.environ, "OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"},
            start_new_session=True,
        )
        agents.append(agent)
        return agent

    yield call
    for agent in agents:
        if agent.poll() is None:
            os.killpg(agent.pid, signal.SIGKILL)
        agent.communicate()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def machine(number: int) -> list[object]:
    """The words of one machine's agent: `number` ranks."""
    return ["--standalone", "--nproc-per-node", number]


def two_machines(port: int) -> list[object]:
    """The words that both of two machines' agents get: two ranks on each, who meet at a port of this one."""
    return ["--nnodes", 2, "--nproc-per-node", 2, "--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{port}"]


def wait_for(condition: Callable[[], bool], agent: subprocess.Popen[str], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert agent.poll() is None, f"it ended before {what}: {agent.communicate()}"
        assert time.monotonic() < deadline, f"no {what}"
        time.sleep(0.01)


def end(agent: subprocess.Popen[str]) -> tuple[int, str]:
    """The agent's exit code and what it wrote to standard error."""
    error = agent.communicate(timeout=PATIENCE_SECONDS)[1]
    return agent.returncode, error


def workers(*agents: subprocess.Popen[str]) -> dict[int, int]:
    """Rank -> process id of what the agents have started."""
    found = {}
    for agent in agents:
        for child in Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text().split():
            environment = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
            found |= {int(entry[5:]): int(child) for entry in environment if entry.startswith(b"RANK=")}
    return found


def logs(directory: Path, agent: int, name: str) -> list[str]:
    """What the ranks of an agent wrote to "stdout" or "stderr", attempt after attempt, in the order of the ranks."""
    return [path.read_text() for path in sorted((directory / f"agent-{agent}").rglob(f"{name}.log"))]


def column(run: RunDirectory, name: str) -> list[Any]:
    return [row[name] for row in run.metrics() if name in row]


def require_same(run: RunDirectory, undisturbed: RunDirectory) -> None:
    """The run has every update once, with the batches and losses of the undisturbed one, and its checkpoints."""
    assert column(run, "update") == list(range(1, UPDATES + 1))
    for name in ("training_loss", "gradient_norm", "validation_loss"):
        assert column(run, name) == pytest.approx(column(undisturbed, name), rel=1e-3), name
    assert len(column(undisturbed, "validation_loss")) == 2
    assert [record.update for record in run.checkpoints()][-1] == UPDATES
    elapsed = column(run, "elapsed_seconds")
    assert elapsed == sorted(elapsed)
    samples = [json.loads(line)["update"] for line in run.samples_path.read_text().splitlines()]
    assert samples[-1] == UPDATES


@pytest.mark.parametrize("number_of_machines", [1, 2])
def test_a_killed_rank_costs_the_run_nothing_but_time(
    number_of_machines: int, recipe: Path, undisturbed: RunDirectory, tmp_path: Path, start: Start
) -> None:
    """Two ranks on each machine; torchrun starts all of them again, and they go on from the last checkpoint."""
    run = RunDirectory(tmp_path / "run")
    torchrun = machine(2) if number_of_machines == 1 else two_machines(free_port())
    agents = [start([*torchrun, "--max-restarts", 1], [recipe, "--run", run.path]) for _ in range(number_of_machines)]
    wait_for(lambda: len(run.checkpoints()) > 0, agents[0], "checkpoint")
    ranks = workers(*agents)
    assert sorted(ranks) == list(range(2 * number_of_machines))
    os.kill(max(ranks.items())[1], signal.SIGKILL)
    for agent in agents:
        code, error = end(agent)
        assert code == 0, error
    require_same(run, undisturbed)
    printed = [text for agent in range(number_of_machines) for text in logs(tmp_path, agent, "stdout")]
    assert len(printed) == 2 * 2 * number_of_machines
    assert sum("going on after update " in text for text in printed) == 1
    assert sum(bool(text) for text in printed) <= 2, "at most one rank in each attempt speaks"
    assert sum("60 updates, 3,840 tokens" in text for text in printed) == 1


def test_signals_stop_four_ranks_and_two_and_one_end_their_run(
    recipe: Path, undisturbed: RunDirectory, tmp_path: Path, start: Start
) -> None:
    """SIGTERM to one rank of four stops all; to all of two, by way of their agent; a process without torchrun ends."""
    run = RunDirectory(tmp_path / "run")
    words = [recipe, "--run", run.path]
    four = start(machine(4), words)
    wait_for(lambda: len(run.metrics()) >= 2, four, "update 2")
    os.kill(workers(four)[2], signal.SIGTERM)
    code, error = end(four)
    assert code == 1  # torchrun's own, for a rank that did not end with 0
    stopped = len(run.metrics())
    assert [record.update for record in run.checkpoints()][-1] == stopped < UPDATES
    assert f"stopped by SIGTERM after update {stopped}; saved in " in "".join(logs(tmp_path, 0, "stderr"))
    two = start(machine(2), words)
    wait_for(lambda: len(run.metrics()) > stopped, two, "the next update")
    two.send_signal(signal.SIGTERM)
    code, error = end(two)
    assert code != 0, error
    again = len(run.metrics())
    assert [record.update for record in run.checkpoints()][-1] == again < UPDATES
    assert f"stopped by SIGTERM after update {again}; saved in " in "".join(logs(tmp_path, 1, "stderr"))
    assert main(["train", *map(str, words)]) == 0
    require_same(run, undisturbed)


def test_a_last_save_that_fails_ends_every_rank_with_an_error(recipe: Path, tmp_path: Path, start: Start) -> None:
    run = RunDirectory(tmp_path / "run")
    run.checkpoints_path.mkdir(parents=True)
    run.checkpoint_path(4).write_text("in the way")
    only_the_last = ["--loop.checkpoint-interval-in-updates", 10]
    agent = start(machine(2), [recipe, "--run", run.path, "--loop.number-of-updates", 4, *only_the_last])
    code, error = end(agent)
    assert code == 1, error
    # As soon as one rank has ended, torchrun ends the other, perhaps while it draws the pictures: each must say why.
    told = [line for text in logs(tmp_path, 0, "stderr") for line in text.splitlines() if line.startswith("error: ")]
    assert told
    assert {line.removeprefix("error: ").removeprefix("rank 1 of 2: ") for line in told} == {
        "the run stops after update 4, because its checkpoint could not be saved (1 in a row): "
        f"cannot write {run.checkpoint_path(4)}: a file stands there. Move it away or choose another directory."
    }
    assert run.checkpoints() == []
    run.checkpoint_path(4).unlink()
    words = ["train", recipe, "--run", run.path, "--loop.number-of-updates", 4, *only_the_last]
    assert main([str(word) for word in words]) == 0
    assert column(run, "update") == [1, 2, 3, 4]
