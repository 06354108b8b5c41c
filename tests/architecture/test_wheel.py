"""What is built to be installed: an sdist, and out of it a wheel that works without the checkout."""

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from gpt25.version import __version__

BUILD = "import sys, hatchling.build as build; print(build.build_{kind}(sys.argv[1]))"


def built(source: Path, target: Path, kind: str) -> Path:
    """A wheel or an sdist of `source`, by the backend that pyproject.toml names, without fetching anything."""
    words = [sys.executable, "-c", BUILD.format(kind=kind), str(target)]
    done = subprocess.run(words, cwd=source, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return target / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def sdist(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(root, tmp_path_factory.mktemp("sdist"), "sdist")


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as `python -m build` makes it: out of the sdist."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return built(folder / f"gpt25-{__version__}", folder, "wheel")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what pip would put among the packages."""
    folder = tmp_path_factory.mktemp("packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def written_in_the_package(root: Path, tree: list[Path]) -> set[str]:
    return {path.as_posix() for path in tree if path.parts[0] == "gpt25"}


def test_the_wheel_holds_every_file_of_the_package(wheel: Path, root: Path, tree: list[Path]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if not name.startswith(f"gpt25-{__version__}.dist-info/")}
    assert packed == written_in_the_package(root, tree)
    assert {Path(name).suffix for name in packed} >= {".toml", ".gz", ".typed"}  # recipes, vocabulary, types


def test_the_wheel_says_what_pyproject_says(wheel: Path, root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    information = f"gpt25-{__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        metadata = Parser().parsestr(archive.read(f"{information}/METADATA").decode())
        assert archive.read(f"{information}/entry_points.txt").decode().split() == [
            "[console_scripts]",
            "gpt25",
            "=",
            project["scripts"]["gpt25"],
        ]
        assert any(name.startswith(f"{information}/licenses/LICENSE") for name in archive.namelist())
    assert metadata["Version"] == __version__
    assert set(metadata.get_all("Provides-Extra")) == set(project["optional-dependencies"])
    always = [each for each in metadata.get_all("Requires-Dist") if ";" not in each]
    assert sorted(always) == sorted(project["dependencies"])


def test_the_sdist_holds_what_contributors_need(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"pyproject.toml", "Makefile", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md"}
    assert needed | {"docs/design.md", "tests/conftest.py", "constraints.txt"} <= names


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-m", "gpt25", "--help"], "gpt25 COMMAND --help lists a command's flags"),
        (["-m", "gpt25", "train", "quickstart", "--help"], "--loop.number-of-updates"),
        (["-m", "gpt25", "tokenizer", "encode", "Hello", "--json"], '{"token_ids": [15496]}'),
        (["-c", "import gpt25; print(gpt25.GPTModel(gpt25.GPTConfiguration(number_of_layers=1)))"], "GPTModel("),
    ],
)
def test_the_wheel_works_without_the_checkout(installed: Path, tmp_path: Path, words: list[str], expected: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    where = [sys.executable, "-c", "import gpt25; print(gpt25.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert Path(found.stdout.strip()) == installed / "gpt25" / "__init__.py"
    done = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, expected in done.stdout) == (0, True), done.stdout + done.stderr
