"""What a message says to install works from where the user is; the rule has one home."""

import os
import re
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from gpt25 import installation
from gpt25.errors import MissingExtraError
from gpt25.installation import install_command, missing_extra

PROJECT = '[project]\nname = "gpt25"\n'


@pytest.fixture(autouse=True)
def pip_of_this_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs in which this Python's pip is found, so that it is called by that word."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("pip", "python"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    return programs


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a checkout"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT)
    return folder


def installed(monkeypatch: pytest.MonkeyPatch, **files: str) -> Path:
    """Let gpt25 be installed with these files of its metadata; returns a folder of it that is no checkout."""
    found = SimpleNamespace(read_text=lambda name: files.get(name.partition(".")[0]))
    monkeypatch.setattr(metadata, "distribution", lambda name: found)
    monkeypatch.setattr(metadata, "requires", lambda name: ["torch>=2.11", "gguf>=0.17; extra == 'export'"])
    return Path(os.sep, "nowhere", "gpt25")


def test_in_a_checkout_it_is_the_checkout(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    assert install_command("data", package=checkout / "gpt25") == "pip install -e '.[data]'"
    monkeypatch.chdir(checkout.parent)
    assert install_command("data", package=checkout / "gpt25") == "pip install -e './a checkout[data]'"
    (checkout / "runs").mkdir()
    monkeypatch.chdir(checkout / "runs")
    assert install_command("data", package=checkout / "gpt25") == f"pip install -e '{checkout}[data]'"


def test_another_project_s_folder_is_no_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "mine"\ndependencies = ["gpt25"]\n')
    installed(monkeypatch)
    assert install_command("export", package=tmp_path / "gpt25") == "pip install 'gguf>=0.17'"


def test_after_an_installation_from_a_folder(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = installed(monkeypatch, direct_url=f'{{"url": "{checkout.as_uri()}", "dir_info": {{}}}}')
    monkeypatch.chdir(checkout)
    assert install_command("export", package=package) == "pip install '.[export]'"
    (checkout / "pyproject.toml").unlink()
    assert install_command("export", package=package) == "pip install 'gguf>=0.17'"  # nothing is left to install


def test_after_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "gpt25-0.1.0-py3-none-any.whl"
    wheel.touch()
    package = installed(monkeypatch, direct_url=f'{{"url": "{wheel.as_uri()}", "archive_info": {{}}}}')
    monkeypatch.chdir(tmp_path)
    assert install_command("export", package=package) == f"pip install './{wheel.name}[export]'"


def test_after_a_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    noted = '{"url": "https://example.org/gpt25.git", "vcs_info": {"vcs": "git", "commit_id": "0123abc"}}'
    package = installed(monkeypatch, direct_url=noted)
    expected = "pip install 'gpt25[export] @ git+https://example.org/gpt25.git@0123abc'"
    assert install_command("export", package=package) == expected


def test_after_an_index_and_only_then_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert install_command("export", package=installed(monkeypatch, INSTALLER="pip\n")) == "pip install 'gpt25[export]'"
    assert install_command("export", package=installed(monkeypatch)) == "pip install 'gguf>=0.17'"  # an unpacked wheel


def test_another_python_s_pip_is_not_called(
    checkout: Path, pip_of_this_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = checkout / ".venv" / "bin" / "python"
    monkeypatch.setattr(sys, "executable", str(own))
    monkeypatch.chdir(checkout)
    assert install_command("data", package=checkout / "gpt25") == ".venv/bin/python -m pip install -e '.[data]'"
    monkeypatch.chdir(checkout.parent.parent)
    assert install_command("x", package=checkout / "gpt25").startswith(f"'{own.relative_to(Path.cwd())}' -m pip ")


def test_windows_shells_get_quotation_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation.os, "name", "nt")
    assert installation._quoted("gguf>=0.17") == '"gguf>=0.17"'
    assert installation._quoted("gpt25") == "gpt25"


def test_the_message_of_a_missing_extra(checkout: Path) -> None:
    problem = missing_extra("reading a.parquet needs the package pyarrow", extra="data")
    assert isinstance(problem, MissingExtraError)
    assert str(problem) == f"reading a.parquet needs the package pyarrow; install it with: {install_command('data')}"


def test_nothing_else_tells_people_to_ask_the_index(root: Path, tree: list[Path]) -> None:
    texts = {path: (root / path).read_text(encoding="utf-8") for path in tree if path.suffix in {".py", ".md", ".yaml"}}
    asking = [path for path, text in texts.items() if re.search(r"pip install [^\n`]*gpt25\[", text)]
    assert {path.as_posix() for path in asking} == {"gpt25/installation.py", "tests/architecture/test_installation.py"}
