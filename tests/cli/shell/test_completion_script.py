"""Completion in the shells themselves: each reads the printed script, and is asked what may follow a beginning.

bash is asked in any case; zsh and fish where they are installed.
"""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt25.cli.main import COMMANDS, main
from gpt25.cli.shell.completion_script import SHELLS, completion_script

OFFERED = (
    ("gpt25 tr", ["train"]),
    ("gpt25 data pre", ["prepare"]),
    ("gpt25 data fetch ", ["climbmix", "fineweb10B", "finewebedu10B"]),
    ("gpt25 train q", ["quickstart"]),
    ("gpt25 train ./own", ["./own.toml"]),
    (
        "gpt25 train quickstart --optimizer.muon-p",
        ["--optimizer.muon-peak-learning-rate", "--optimizer.muon-polynomial"],
    ),
    ("gpt25 train quickstart --optimizer.name ", ["adamw", "muon"]),
    ("gpt25 train quickstart --loop.compile --loop.se", ["--loop.seed"]),
    ("gpt25 generate gpt2-", ["gpt2-large", "gpt2-medium", "gpt2-xl"]),
    ("gpt25 generate --json gpt2-m", ["gpt2-medium"]),
    ("gpt25 generate gpt2 --precision b", ["bfloat16"]),
    ("gpt25 evaluate gpt2 --task hella", ["hellaswag", "hellaswag-harness"]),
    ("gpt25 show gpt2 --checkpoint ", ["best", "newest"]),
    ("gpt25 compare ./my", ["./my-runs"]),
    ("gpt25 export gpt2 --licen", ["--licence", "--license"]),
    ("gpt25 --print", ["--print-completion"]),
    ("gpt25 --print-completion ", ["bash", "fish", "zsh"]),
)
"""What is typed, and what may follow, in a folder with own.toml, own.txt and the folder my-runs."""

# What bash does on Tab, without a terminal: it calls the function that `complete` names, with these variables.
ASK_BASH = """
source "$1"
complete -p gpt25 | grep -q _shtab_gpt25 || exit 3
shift
for COMP_LINE; do
    COMP_POINT=${#COMP_LINE}
    read -ra COMP_WORDS <<< "$COMP_LINE"
    [[ $COMP_LINE == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
    COMPREPLY=()
    _shtab_gpt25
    printf '%s\\n' "${COMPREPLY[@]}"
    printf '%s\\n' "---"
done
"""
ASK_FISH = """
source $argv[1]
for line in $argv[2..-1]
    complete -C$line
    echo ---
end
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The script of a shell, in a file."""
    directory = tmp_path_factory.mktemp("scripts")

    def script(shell: str) -> Path:
        path = directory / shell
        if not path.exists():
            path.write_text(completion_script(shell, COMMANDS), encoding="utf-8")
        return path

    return script


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.toml").touch()
    (tmp_path / "own.txt").touch()
    (tmp_path / "my-runs").mkdir()
    return tmp_path


def installed(shell: str) -> str:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    return path


def ask(command: list[str], script: Path, folder: Path) -> dict[str, list[str]]:
    """The completions of every line of OFFERED, sorted, without the descriptions behind them."""
    lines = [line for line, _ in OFFERED]
    environment = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    done = subprocess.run(
        [*command, str(script), *lines], capture_output=True, text=True, timeout=60, cwd=folder, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    answers = [[line.partition("\t")[0] for line in part.split("\n") if line] for part in done.stdout.split("---\n")]
    return {line: sorted(answer) for line, answer in zip(lines, answers, strict=False)}


def test_bash_completes(scripts: Callable[[str], Path], folder: Path) -> None:
    found = ask([installed("bash"), "--norc", "-c", ASK_BASH, "bash"], scripts("bash"), folder)
    assert found == {line: sorted(offered) for line, offered in OFFERED}


def test_fish_completes(scripts: Callable[[str], Path], folder: Path) -> None:
    found = ask([installed("fish"), "--no-config", "-c", ASK_FISH], scripts("fish"), folder)
    found = {line: [each.rstrip("/") for each in offered] for line, offered in found.items()}  # a / behind a folder
    own = "gpt25 train ./own"  # fish puts TOML files first, and offers the others too
    assert "./own.toml" in found.pop(own)
    assert found == {line: sorted(offered) for line, offered in OFFERED if line != own}


def typed(command: list[str], environment: dict[str, str], folder: Path, keys: list[tuple[str, str]]) -> None:
    """Type at a shell on a pseudo-terminal, each time until the screen shows a pattern."""
    process, master = pty.fork()
    if process == 0:  # pragma: no cover (the shell)
        os.chdir(folder)
        os.execve(command[0], command, environment)
    try:
        for pressed, pattern in keys:
            os.write(master, pressed.encode())
            shown, end = "", time.monotonic() + 30
            while not re.search(pattern, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\x07\x08\r]", "", shown)):
                assert time.monotonic() < end, f"after {pressed!r}, {pattern!r} did not show: {shown!r}"
                if select.select([master], [], [], 0.1)[0]:
                    shown += os.read(master, 65536).decode(errors="replace")
    finally:
        os.kill(process, 9)
        os.waitpid(process, 0)
        os.close(master)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_tab_key_completes_in_a_new_shell(shell: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = installed(shell)
    for name in ("XDG_DATA_HOME", "ZDOTDIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder))
    (folder / ".zshenv").write_text("skip_global_compinit=1\nPS1='$ '\n", encoding="utf-8")
    assert main(["--install-completion", shell]) == 0
    environment = {"HOME": str(folder), "TERM": "dumb", "PATH": os.environ["PATH"], "PS1": "$ "}
    keys = [
        ("echo rea''dy\r", "ready"),
        ("gpt25 trai\t", "gpt25 train "),
        ("quicks\t", "quickstart "),
        ("--optimizer.muon-peak\t", "--optimizer.muon-peak-learning-rate "),
    ]
    typed([program, "-i"], environment, folder, keys)


@pytest.mark.parametrize("shell", SHELLS)
def test_print_completion_prints_the_whole_script_and_imports_nothing_heavy(shell: str) -> None:
    code = (
        "import sys; from gpt25.cli.main import main; code = main(['--print-completion', sys.argv[1]]);"
        "assert not {'torch', 'numpy', 'matplotlib'} & set(sys.modules); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, shell], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == completion_script(shell, COMMANDS)


@pytest.mark.parametrize("words", [[], ["tcsh"], ["bash", "zsh"]])
@pytest.mark.parametrize("flag", ["--print-completion", "--install-completion"])
def test_another_shell_or_none_is_refused(flag: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([flag, *words]) == 2
    assert capsys.readouterr().err == f"error: gpt25 {flag} takes one word, bash, zsh or fish.\n"
