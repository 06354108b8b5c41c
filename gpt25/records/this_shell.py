"""The command that starts gpt25 in the shell that started this process."""

import os
import shlex
import shutil
import sys
from pathlib import Path

_NAMES = ("gpt25", "gpt25.exe")


def in_this_shell(command: str) -> str:
    """An `offered_command` with its program "gpt25" replaced where this shell would not find this gpt25 by it.

    Behind `.venv/bin/gpt25 train …` comes ".venv/bin/gpt25 show …", behind `python -m gpt25 …` the same Python. A
    command that is none of gpt25's stays as it is.
    """
    program, _, arguments = command.partition(" ")
    return f"{shlex.join(_program())} {arguments}" if program == "gpt25" else command


def _program() -> list[str]:
    found = shutil.which("gpt25")
    if Path(sys.argv[0]).name in _NAMES:
        return ["gpt25"] if found is not None and _is_same(found, sys.argv[0]) else [sys.argv[0]]
    # python -m gpt25, torchrun, or a program that imports the package: the command that is installed beside this
    # Python. Links are not followed, for a virtual environment's python is one.
    here = os.path.dirname(sys.executable)
    if found is not None and os.path.dirname(os.path.abspath(found)) == here:
        return ["gpt25"]
    python = os.path.basename(sys.executable)
    in_path = shutil.which(python)
    is_in_path = in_path is not None and os.path.abspath(in_path) == sys.executable
    return [python if is_in_path else sys.executable, "-m", "gpt25"]


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
