"""The command that brings an extra: the one that works from where this package came and where the user is.

The index has no gpt25 yet. What was installed from a checkout, a wheel or a repository is therefore installed from
there once more, with the extra; only what came from an index is asked of it.
"""

import json
import os
import re
import shlex
import shutil
import sys
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from gpt25.errors import MissingExtraError

_PACKAGE = Path(__file__).parent


def missing_extra(needs: str, *, extra: str) -> MissingExtraError:
    """The error for an optional package that is not installed: "{needs}; install it with: pip install …"."""
    return MissingExtraError(f"{needs}; install it with: {install_command(extra)}")


def install_command(extra: str, *, package: Path = _PACKAGE) -> str:
    r"""install_command("data") -> "pip install -e '.[data]'" in a checkout that runs as it lies there.

    After `pip install .` it is that again, from the folder that pip noted (PEP 610), after a wheel the wheel, after a
    Git address that one with its commit, after an index `pip install 'gpt25[data]'`. Where none of it is left, it names
    the packages themselves. A pip that belongs to another Python is called as `PYTHON -m pip`.
    """
    if _is_checkout(package.parent):
        words = ["-e", f"{_from_here(package.parent)}[{extra}]"]
    else:
        words = _origin(extra) or _packages(extra) or [f"gpt25[{extra}]"]
    return f"{_pip()} install {' '.join(map(_quoted, words))}"


def _is_checkout(folder: Path) -> bool:
    try:
        project = (folder / "pyproject.toml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return re.search(r'^name = "gpt25"$', project, flags=re.MULTILINE) is not None


def _origin(extra: str) -> list[str]:
    """What pip is given to install from where the installed package came; nothing where that is gone."""
    try:
        installed = metadata.distribution("gpt25")
        noted = installed.read_text("direct_url.json")
        found = json.loads(noted) if noted else None
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return []
    if found is None:
        return [f"gpt25[{extra}]"] if installed.read_text("INSTALLER") else []
    if version := found.get("vcs_info"):
        return [f"gpt25[{extra}] @ {version['vcs']}+{found['url']}@{version['commit_id']}"]
    address = urlsplit(found["url"])
    if address.scheme != "file":
        return [f"gpt25[{extra}] @ {found['url']}"]
    path = Path(url2pathname(unquote(address.path)) if os.name == "nt" else unquote(address.path))
    return [f"{_from_here(path)}[{extra}]"] if path.is_file() or _is_checkout(path) else []


def _packages(extra: str) -> list[str]:
    """The extra's own packages with their ranges: ["tensorboard>=2.18"]."""
    try:
        declared = metadata.requires("gpt25") or []
    except metadata.PackageNotFoundError:
        return []
    marked = [each.partition(";") for each in declared]
    return [name.strip() for name, _, marker in marked if re.search(rf"extra\s*==\s*['\"]{extra}['\"]", marker)]


def _from_here(path: Path) -> str:
    """A path as one would type it: ".", "./dist/gpt25.whl", or in full where it does not lie below the folder here."""
    try:
        inside = path.resolve().relative_to(Path.cwd().resolve())
    except (OSError, ValueError):
        return str(path)
    return "." if inside == Path() else f".{os.sep}{inside}"


def _pip() -> str:
    """What calls this Python's pip: "pip" where the shell finds that one by it."""
    found, here = shutil.which("pip"), os.path.dirname(sys.executable)
    if found is not None and os.path.dirname(os.path.abspath(found)) == here:
        return "pip"
    return f"{_quoted(_from_here_unresolved(sys.executable))} -m pip"


def _from_here_unresolved(program: str) -> str:
    """The interpreter's path, shorter where it lies below the folder here; a virtual environment's python is a link."""
    shorter = os.path.relpath(program) if os.path.splitdrive(program)[0] == os.path.splitdrive(os.getcwd())[0] else ""
    return program if not shorter or shorter.startswith(os.pardir) else shorter


def _quoted(word: str) -> str:
    """A word for the shell: in apostrophes, or on Windows, whose shells do not know them, in quotation marks."""
    if os.name == "nt":
        return f'"{word}"' if re.search(r"[\s\[\]<>&|]", word) else word
    return shlex.quote(word)
