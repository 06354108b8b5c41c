"""What the tests about the shape of the repository look at: its root, its files and its modules as syntax trees."""

import ast
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # house.py and imports.py, for the tests beside them

ROOT = Path(__file__).parents[2]
GENERATED = {
    ".git",
    ".venv",
    "__pycache__",
    ".hypothesis",
    ".pytest_cache",
    ".ruff_cache",
    ".mypy_cache",
    "build",
    "dist",
    "runs",
}


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def tree() -> list[Path]:
    """Every file that somebody wrote, relative to the root."""
    files = []
    for path in ROOT.rglob("*"):
        relative = path.relative_to(ROOT)
        generated = GENERATED.intersection(relative.parts) or relative.parts[0] == "data"
        if path.is_file() and not generated and not relative.name.endswith(".pyc"):
            files.append(relative)
    return sorted(files)


@pytest.fixture(scope="session")
def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name: {"gpt25.cli.main": <tree>, "gpt25.cli": <tree>, …}."""
    trees = {}
    for path in sorted((ROOT / "gpt25").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        trees[name] = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return trees


@pytest.fixture(scope="session")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a dead link, a page that no list names or a formula that cannot be read would be a warning.

    It takes half a minute, so the processes of one run of the tests build it once.
    """
    base = tmp_path_factory.getbasetemp()
    target = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "site"
    words = ["-q", "-W", "--keep-going", "-b", "html", "-c", "docs/site", "-d", str(target / "read"), "."]
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / "done").exists():
            done = subprocess.run(
                [sys.executable, "-m", "sphinx", *words, str(target / "html")], cwd=root, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout + done.stderr
            (target / "done").touch()
    return target / "html"
