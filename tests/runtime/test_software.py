"""The software behind a run: what is installed of what is required, the driver, the commit."""

import getpass
import json
import os
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
import torch

from gpt25.runtime import describe_software, software
from gpt25.runtime.software import checkout, installed_requirements

DRIVER = """NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (dvs-builder@U22)
GCC version:  gcc version 12.3.0
"""


def git(folder: Path, *words: str) -> str:
    names = ["-c", "user.name=someone", "-c", "user.email=someone@example.org"]
    return subprocess.run(
        ["git", "-C", str(folder), *names, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A checkout with a package in it, all of it committed."""
    if shutil.which("git") is None:
        pytest.fail("git is part of the development set-up")
    folder = tmp_path / "gpt25"
    folder.mkdir()
    (folder / "version.py").write_text("")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "all")
    return folder


def test_description_is_json_and_names_nobody() -> None:
    found = describe_software()
    text = json.dumps(found)
    assert json.loads(text) == found
    assert list(found) == ["requirements", "cuda", "cudnn", "rocm", "gpu_driver", "checkout"]
    assert found["cuda"] == torch.version.cuda
    assert os.getcwd() not in text
    assert f"/{getpass.getuser()}" not in text


def test_every_declared_requirement_that_is_installed_is_there_and_what_it_brings() -> None:
    found = installed_requirements()
    assert list(found) == sorted(found)
    for name in ("torch", "numpy", "huggingface-hub", "prompt-toolkit", "tomli-w"):
        assert found[name] == metadata.version(name)
    assert found["pyyaml"] == metadata.version("PyYAML")  # of an extra, under the name that the index has
    assert found["sympy"] == metadata.version("sympy")  # torch's
    assert "gpt25" not in found


def test_a_requirement_that_is_not_installed_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "gpt25"\ndependencies = ["absent-from-everywhere>=1", "PyYAML"]\n'
        '[project.optional-dependencies]\nmore = ["iniconfig"]\n'
    )
    found = installed_requirements(tmp_path / "gpt25")
    assert "absent-from-everywhere" not in found
    assert found["iniconfig"] == metadata.version("iniconfig")


@pytest.mark.parametrize("text", ['[project]\nname = "another"\ndependencies = ["iniconfig"]', "[project", ""])
def test_another_projects_or_a_broken_pyproject_is_passed_over(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: ["tomli-w"] if name == "gpt25" else [])
    (tmp_path / "pyproject.toml").write_text(text)
    assert list(installed_requirements(tmp_path / "gpt25")) == ["tomli-w"]


def test_a_checkout_has_its_commit_and_whether_it_is_clean(package: Path) -> None:
    commit = git(package, "rev-parse", "HEAD")
    assert checkout(package) == {"commit": commit, "is_clean": True}
    (package / "version.py").write_text("changed = True\n")
    assert checkout(package) == {"commit": commit, "is_clean": False}
    git(package, "checkout", "--quiet", "version.py")
    (package / "new.py").write_text("")
    assert checkout(package) == {"commit": commit, "is_clean": False}


def test_below_somebodys_repository_is_no_checkout(package: Path) -> None:
    installed = package.parent / ".venv" / "gpt25"
    installed.mkdir(parents=True)
    (installed / "version.py").write_text("")
    assert checkout(installed) is None


def test_nowhere_and_without_git_there_is_no_checkout(
    package: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "version.py").write_text("")
    assert checkout(elsewhere) is None
    monkeypatch.setenv("PATH", str(elsewhere))
    assert checkout(package) is None


def test_the_driver_is_the_loaded_module_or_what_nvidia_smi_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = tmp_path / "version"
    loaded.write_text(DRIVER)
    monkeypatch.setattr(software, "_NVIDIA_DRIVER", loaded)
    assert describe_software()["gpu_driver"] == "570.86.15"
    monkeypatch.setattr(software, "_NVIDIA_DRIVER", tmp_path / "absent")
    monkeypatch.setattr(torch.version, "cuda", None)
    assert describe_software()["gpu_driver"] is None
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 560.35.03\necho 560.35.03\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    assert describe_software()["gpu_driver"] == "560.35.03"
    program.write_text("#!/bin/sh\nexit 9\n")
    assert describe_software()["gpu_driver"] is None
