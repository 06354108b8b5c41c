"""When tests in a browser run: skipped with the reason where there is none, insisted on by continuous integration."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ONE_TEST = "tests/plots/test_pages_in_browser.py::test_several_heads_can_be_chosen_among"


def outcome(root: Path, **environment: str) -> str:
    """What pytest says of one test in a browser, where no program is on the path."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", ONE_TEST]
    clean = {name: value for name, value in os.environ.items() if name not in ("BROWSER_TESTS", "CHROMIUM")}
    clean |= {"PATH": "/nowhere", **environment}
    return subprocess.run(words, cwd=root, env=clean, capture_output=True, text=True).stdout


def test_without_a_browser_they_are_skipped_with_the_reason_and_the_command(root: Path) -> None:
    said = outcome(root)
    assert "1 skipped" in said, said
    assert "there is no Chromium here: apt install chromium, or CHROMIUM=/path/to/it; then make test-browser" in said


def test_where_they_are_required_they_fail_with_it(root: Path) -> None:
    said = outcome(root, BROWSER_TESTS="required")
    assert "1 error" in said, said
    assert "BROWSER_TESTS=required, and there is no Chromium here: apt install chromium" in said
    assert "Traceback" not in said


def test_all_tests_in_a_browser_are_named_so(root: Path) -> None:
    using = {
        path.name
        for path in (root / "tests").rglob("test_*.py")
        if "open_page: Any" in path.read_text(encoding="utf-8") and path != Path(__file__)
    }
    assert using == {path.name for path in (root / "tests").rglob("test_*_in_browser.py")}
    assert len(using) >= 6


@pytest.fixture
def ci(root: Path, tmp_path: Path) -> "ContinuousIntegration":
    return ContinuousIntegration(root, tmp_path)


class ContinuousIntegration:
    """`.ci/run` in a folder of its own, with a `make` that says what it was called for, and few other programs."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.script = folder / ".ci" / "run"
        self.script.parent.mkdir()
        self.script.write_bytes((root / ".ci" / "run").read_bytes())
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.program("make", 'echo "make $* with BROWSER_TESTS=$BROWSER_TESTS"; exit "${STATUS:-0}"')
        for name in ("bash", "cp", "dirname"):
            (self.programs / name).symlink_to(str(shutil.which(name)))

    def program(self, name: str, lines: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)

    def run(self, **environment: str) -> "subprocess.CompletedProcess[str]":
        clean = {"PATH": str(self.programs), **environment}
        return subprocess.run(
            [str(self.programs / "bash"), str(self.script)], env=clean, capture_output=True, text=True
        )


def test_continuous_integration_brings_a_browser_and_runs_make_test_and_nothing_else(root: Path) -> None:
    script = (root / ".ci" / "run").read_text(encoding="utf-8")
    assert script.endswith("\nfi\nexport BROWSER_TESTS=required\nmake test\n")
    called = {line.split()[0] for line in script.partition("\nif ")[0].splitlines() if line and line[0] != "#"}
    assert called == {"set", "cd", "has_chromium()", "missing()"}


MADE = "make test with BROWSER_TESTS=required\n"
ADVICE = "the tests in a browser will fail: install Debian's chromium, or set CHROMIUM=/path/to/it.\n"


def test_where_chromium_is_there_nothing_is_installed(ci: ContinuousIntegration) -> None:
    assert ci.run(CHROMIUM="/a/path/to/it").stdout == MADE
    ci.program("chromium", "")
    done = ci.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, MADE, "")


@pytest.mark.parametrize(
    ("user", "apt_get", "reason"),
    [
        (0, None, "there is no Chromium here, and no apt-get to install it; "),
        (1000, "exit 0", "there is no Chromium here, and only root can install it with apt-get; "),
        (0, "exit 100", "apt-get could not install chromium; "),
    ],
)
def test_where_it_cannot_be_installed_that_is_said(
    ci: ContinuousIntegration, user: int, apt_get: str | None, reason: str
) -> None:
    ci.program("id", f"echo {user}")
    if apt_get is not None:
        ci.program("apt-get", apt_get)
    done = ci.run(STATUS="2")
    assert (done.returncode, done.stdout) == (2, MADE)
    assert done.stderr.endswith(reason + ADVICE)


def test_debian_s_package_is_installed_where_it_is_missing(ci: ContinuousIntegration) -> None:
    ci.program("id", "echo 0")
    installed = ci.programs / "chromium"
    ci.program("apt-get", f'[ "$1" = update ] || {{ cp "$0" {installed}; }}')
    done = ci.run()
    assert (done.returncode, done.stdout) == (0, MADE)
    assert done.stderr == "installing Debian's chromium for the tests in a browser\n"
