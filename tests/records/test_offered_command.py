"""Commands offered for pasting: what a real shell makes of them, and by what word this shell starts gpt25."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gpt25.records import in_this_shell, offered_command


@pytest.mark.parametrize(
    "word",
    ["runs/mine", "my run", "it's", "$(rm -rf x)", "`id`", "a;b", "~", "*", 'say "no"', "", "#1", "&", "tab\there",
     "new\nline", "\x1b[2J'\\", "\udcff", "é日本", "!"],
)  # fmt: skip
def test_a_shell_reads_every_word_as_it_was_meant(word: str) -> None:
    command = offered_command("printf", "%s", word)
    assert command.isprintable()
    shell = [shutil.which("bash") or "bash", "-c", command]
    assert subprocess.run(shell, capture_output=True, check=True).stdout == os.fsencode(word)


def test_a_path_is_never_a_flag() -> None:
    assert offered_command("gpt25", "show", Path("-rf"), "--all") == "gpt25 show ./-rf --all"
    assert offered_command("gpt25", "show", Path("runs/mine")) == "gpt25 show runs/mine"


@pytest.fixture
def bin_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with a python and a gpt25, which PATH does not know."""
    directory = tmp_path / "an environment" / "bin"
    directory.mkdir(parents=True)
    for name in ("gpt25", "python"):
        (directory / name).write_text("#!/bin/sh\n")
        (directory / name).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(directory / "python"))
    monkeypatch.setenv("PATH", "/usr/bin")
    return directory


def started(word: Path | str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "argv", [str(word)])
    return in_this_shell("gpt25 show x").removesuffix(" show x")


def test_the_script_that_runs_is_named_as_it_was_found(bin_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert started(bin_directory / "gpt25", monkeypatch) == shlex.quote(str(bin_directory / "gpt25"))
    monkeypatch.setenv("PATH", str(bin_directory))
    assert started(bin_directory / "gpt25", monkeypatch) == "gpt25"


def test_another_gpt25_in_the_path_is_not_offered(
    bin_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(bin_directory / "gpt25", other / "gpt25")
    monkeypatch.setenv("PATH", str(other))
    assert started(bin_directory / "gpt25", monkeypatch) == shlex.quote(str(bin_directory / "gpt25"))
    assert started("/x/gpt25/__main__.py", monkeypatch).endswith("/bin/python' -m gpt25")


def test_python_minus_m_is_offered_where_no_script_is_found(
    bin_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = shlex.quote(str(bin_directory / "python"))
    assert started("/x/gpt25/__main__.py", monkeypatch) == f"{python} -m gpt25"
    monkeypatch.setenv("PATH", str(bin_directory))
    assert started("/x/gpt25/__main__.py", monkeypatch) == "gpt25"
    (bin_directory / "gpt25").unlink()
    assert started("/x/gpt25/__main__.py", monkeypatch) == "python -m gpt25"


def test_other_programs_stay_as_they_are() -> None:
    assert in_this_shell("llama-completion -m x") == "llama-completion -m x"
