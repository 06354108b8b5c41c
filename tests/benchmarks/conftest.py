"""The scripts of benchmarks/, as a user starts them: each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
LONGEST_SECONDS = 900  # several processes that import torch, on a machine that may have other work


class Scripts:
    """Starts a script by its name, and tells what it said."""

    def start(self, script: str, *arguments: str) -> subprocess.Popen[str]:
        """A script that runs, on one thread."""
        return subprocess.Popen(
            [sys.executable, f"{BENCHMARKS / script}.py", *arguments],
            env={**os.environ, "PYTHONPATH": str(BENCHMARKS.parent), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def printed(self, process: subprocess.Popen[str]) -> str:
        """What it prints, once it ended well."""
        output, errors = process.communicate(timeout=LONGEST_SECONDS)
        assert process.returncode == 0, errors
        return output

    def run(self, script: str, *arguments: str) -> str:
        """What it prints from its start to its good end."""
        return self.printed(self.start(script, *arguments))

    def refusal(self, script: str, *arguments: str) -> str:
        """What it says where it ends with 1."""
        process = self.start(script, *arguments)
        _, errors = process.communicate(timeout=LONGEST_SECONDS)
        assert process.returncode == 1, errors
        return errors


@pytest.fixture(scope="session")
def scripts() -> Scripts:
    """What starts the scripts of benchmarks/."""
    return Scripts()


@pytest.fixture
def importable_benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test import what lies in benchmarks/."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
