"""The tree stays small, readable and free of one machine's traces."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from house import ROOMS

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 80
MOST_BYTES_OF_A_FILE = 2_000_000
TESTS_WITHOUT_A_PACKAGE = {"architecture", "benchmarks", "deploy", "gpu_rehearsal", "notebooks"}
# Written in pieces, so that this file does not contain what it looks for.
HOSTS = ("py" + "pi.org", "python" + "hosted.org", "download." + "pytorch.org", "ana" + "conda.org")
MACHINE_PATH = re.compile(r"(?<![\w.~$}/-])/(?:home|root|Users|work|mnt|opt|scratch)/\w")


def test_no_file_is_large(root: Path, tree: list[Path]) -> None:
    assert [str(path) for path in tree if (root / path).stat().st_size > MOST_BYTES_OF_A_FILE] == []


def test_no_module_is_long(root: Path, tree: list[Path]) -> None:
    modules = [path for path in tree if path.parts[0] == "gpt25" and path.suffix == ".py"]
    lengths = {str(path): len((root / path).read_text(encoding="utf-8").splitlines()) for path in modules}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_long(modules: dict[str, ast.Module]) -> None:
    long = [
        f"{name}.{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for name, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > MOST_LINES_OF_A_FUNCTION
    ]
    assert long == []


def test_no_traces_of_one_machine(root: Path, tree: list[Path]) -> None:
    found = []
    for path in tree:
        content = (root / path).read_bytes()
        if b"\0" in content:
            continue
        text = content.decode("utf-8", errors="replace")
        found += [f"{path} names {host}" for host in HOSTS if host in text]
        found += [f"{path}: {line.strip()}" for line in text.splitlines() if MACHINE_PATH.search(line)]
    assert found == []


def test_tests_mirror_the_package(root: Path) -> None:
    tested = {
        str(path.relative_to(root / "tests"))
        for path in (root / "tests").rglob("*")
        if path.is_dir() and any(path.glob("test_*.py"))
    }
    packages = {str(path.parent.relative_to(root / "gpt25")) for path in (root / "gpt25").rglob("__init__.py")}
    assert tested - packages == TESTS_WITHOUT_A_PACKAGE
    floors = {package for package in packages if "/" not in package and package != "."}
    assert floors - {path.partition("/")[0] for path in tested} == set(), "packages without tests"
    rooms = {f"{package}/{room}" for package, names in ROOMS.items() if package != "cli" for room in names}
    assert rooms - tested == set(), "rooms without tests"  # of cli, a test of a command tries the rooms together


def test_tests_are_not_packages(root: Path) -> None:
    assert list((root / "tests").rglob("__init__.py")) == []


def test_nothing_is_pickled_or_executed(modules: dict[str, ast.Module]) -> None:
    forbidden = {"pickle.load", "pickle.loads", "torch.load", "torch.save", "eval", "exec", "marshal.loads"}
    for name, tree in modules.items():
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert calls & forbidden == set(), name


def test_the_code_passes_the_linter(root: Path) -> None:
    for words in (("check",), ("format", "--check")):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--no-cache", "--quiet", "gpt25", "tests"],
            cwd=root,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
