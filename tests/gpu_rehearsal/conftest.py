"""Builds the stand-in for a CUDA device once, and runs the scenes of a script on it in one process of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
Findings = dict[str, Any]


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library; where there is no C++ compiler, whoever asks for it is skipped with that reason."""
    sys.path.insert(0, str(FOLDER))
    from pretended_gpu import COMPILER, build

    sys.path.pop(0)
    if COMPILER is None:
        pytest.skip("no C++ compiler (g++, clang++): the stand-in for a CUDA device cannot be built")
    return build(tmp_path_factory.mktemp("stand-in"))


@pytest.fixture(scope="session")
def findings_of(stand_in: Path) -> Callable[..., Findings]:
    """What a scene of a script found; all scenes of it are run, once a session."""
    known: dict[str, dict[str, Findings]] = {}

    def find(scene: str, script: str = "scenarios.py") -> Findings:
        if script not in known:
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
            environment["TRITON_CACHE_DIR"] = str(stand_in.parent / "triton")
            words = [sys.executable, str(FOLDER / script), str(stand_in)]
            done = subprocess.run(words, capture_output=True, text=True, timeout=900, env=environment)
            assert done.returncode == 0, done.stdout + done.stderr[-4000:]
            known[script] = {found["scene"]: found for found in map(json.loads, done.stdout.splitlines())}
        return known[script][scene]

    return find
