"""The software that a run is made with: every installed requirement, the GPU's driver and libraries, the commit."""

import re
import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

_PROJECT = "gpt25"
_TIMEOUT_SECONDS = 10.0
_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
_PACKAGE = Path(__file__).parents[1]


def describe_software() -> dict[str, Any]:
    """What decides a run's numbers beside the machine: versions, and the commit. No paths, no addresses, no names.

    "requirements": name and version of everything that gpt25 asks for, what that asks for in turn, and the extras that
    are there. "cuda", "cudnn", "rocm": what torch was built with; "gpu_driver": what is loaded; None where there is no
    such thing. "checkout": see `checkout`.
    """
    cudnn = torch.backends.cudnn.version() if torch.version.cuda else None
    return {
        "requirements": installed_requirements(),
        "cuda": torch.version.cuda,
        "cudnn": cudnn,
        "rocm": torch.version.hip,
        "gpu_driver": _gpu_driver(),
        "checkout": checkout(),
    }


def installed_requirements(package: Path = _PACKAGE) -> dict[str, str]:
    """Versions of all that gpt25 requires, directly or through others, sorted; what is not installed is left out.

    Its own extras count, where they are installed; those of others do not. In a checkout, which may be newer than what
    was installed of it, the requirements of its pyproject.toml count as well.
    """
    found: dict[str, str] = {}
    waiting = _names(_metadata_of(_PROJECT)) + _names(_declared_beside(package))
    while waiting:
        name = waiting.pop()
        if name in found or name == _PROJECT:
            continue
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        waiting += _names([each for each in _metadata_of(name) if "extra ==" not in each])
    return dict(sorted(found.items()))


def checkout(package: Path = _PACKAGE) -> dict[str, Any] | None:
    """{"commit": its hash, "is_clean": whether no file of it was changed} of the Git checkout that a package lies in.

    None where it does not lie in one, as when it is installed, and where git is not at hand. A package that merely lies
    below somebody's repository, in a virtual environment say, is none of its files. New files count as a change.
    """
    if _git(package, "ls-files", "--error-unmatch", "version.py") is None:
        return None
    commit, changes = _git(package, "rev-parse", "HEAD"), _git(package, "status", "--porcelain", "--", ".")
    return None if commit is None or changes is None else {"commit": commit, "is_clean": not changes}


def _names(requirements: list[str]) -> list[str]:
    """Names in the form that the index knows them by: _names(["PyYAML>=6.0"]) -> ["pyyaml"]."""
    found = [re.match(r"[\w.-]+", requirement) for requirement in requirements]
    return [re.sub(r"[-_.]+", "-", match[0]).lower() for match in found if match]


def _metadata_of(project: str) -> list[str]:
    try:
        return metadata.requires(project) or []
    except metadata.PackageNotFoundError:
        return []


def _declared_beside(package: Path) -> list[str]:
    """What the pyproject.toml of a checkout declares; nothing where there is none, or another project's."""
    try:
        project = tomllib.loads((package.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        if project["name"] != _PROJECT:
            return []
        return [
            *project["dependencies"],
            *(each for extra in project["optional-dependencies"].values() for each in extra),
        ]
    except (OSError, ValueError, KeyError):
        return []


def _git(folder: Path, *words: str) -> str | None:
    """What git says there, None where it fails or is not installed."""
    return _said_by("git", "-C", str(folder), *words)


def _gpu_driver() -> str | None:
    """The version of the loaded driver of NVIDIA's GPUs: "570.86.15"; None without one."""
    try:
        text = _NVIDIA_DRIVER.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    if found := re.search(r"Kernel Module.*?\s(\d+(?:\.\d+)+)\s", text):
        return found[1]
    said = _said_by("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader") if torch.version.cuda else None
    return said.splitlines()[0].strip() if said else None


def _said_by(program: str, *words: str) -> str | None:
    """A program's standard output; None where it is not there, fails or takes too long."""
    found = shutil.which(program)
    if found is None:
        return None
    try:
        done = subprocess.run(
            [found, *words], capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
