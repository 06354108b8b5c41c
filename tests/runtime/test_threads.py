import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpt25.runtime import default_threads, processor


@pytest.mark.parametrize("asked", ["", "1", "3", "2,1", "no number"])
def test_they_are_as_many_as_torch_takes(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    code = "import torch; print(torch.get_num_threads())"
    environment = {**os.environ, "OMP_NUM_THREADS": asked}
    if not asked:
        del environment["OMP_NUM_THREADS"]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    monkeypatch.setattr(os, "environ", environment)
    assert default_threads() == int(done.stdout)


def test_two_threads_of_a_core_are_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(processor, "TOPOLOGY", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(5)), raising=False)
    for number, siblings in enumerate(["0,2", "1,3", "0,2", "1,3"]):
        folder = tmp_path / f"cpu{number}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(siblings + "\n")
    assert default_threads() == 3  # of the fifth nothing is known
