"""Put a completion script where the user's shell reads it."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gpt25.cli.shell.value_kinds import Shell
from gpt25.errors import StorageError
from gpt25.storage import write_bytes
from gpt25.storage.paths.storage_error import storage_error


@dataclass(frozen=True)
class InstalledCompletion:
    """Where the script is, and the start-up file whose line reads it; None where the shell finds it by itself."""

    script: Path
    start_up_file: Path | None


def install_completion(shell: Shell, script: str, environment: Mapping[str, str] = os.environ) -> InstalledCompletion:
    """Write the script, and for bash and zsh a line at the end of the start-up file, unless it is there already.

    environment: HOME, and the variables by which users move the folders (XDG_DATA_HOME, XDG_CONFIG_HOME, ZDOTDIR).
    Raises StorageError where something cannot be written.
    """
    if not environment.get("HOME"):
        raise StorageError(
            "HOME is not set, so that nobody knows whose shell this is; gpt25 --print-completion prints the script."
        )
    home = Path(environment["HOME"])
    if shell == "fish":
        path = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "fish" / "completions" / "gpt25.fish"
        _write(path, script)
        return InstalledCompletion(path, None)
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    path = data / "gpt25" / f"completion.{shell}"
    _write(path, script)
    quoted = shlex.quote(str(path))
    if shell == "bash":
        start_up_file = home / ".bashrc"
        line = f"[ -r {quoted} ] && . {quoted}  # completion of gpt25"
    else:  # read by eval, for sourced the script takes itself for a function of fpath
        start_up_file = Path(environment.get("ZDOTDIR") or home) / ".zshrc"
        line = (
            f"[ -r {quoted} ] && {{ (( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit }}; "
            f'eval "$(< {quoted})" }}  # completion of gpt25'
        )
    _append_line(start_up_file, line)
    return InstalledCompletion(path, start_up_file)


def _write(path: Path, script: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise storage_error(problem, path.parent, "cannot make") from problem
    write_bytes(path, script.encode("utf-8"))


def _append_line(path: Path, line: str) -> None:
    """Add a line to a text file, which may be a link to another, unless it has it."""
    try:
        content = path.read_bytes() if path.exists() else b""
        encoded = line.encode("utf-8")
        if encoded in content.splitlines():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            stream.write((b"" if content.endswith(b"\n") or not content else b"\n") + encoded + b"\n")
    except OSError as problem:
        raise storage_error(problem, path, "cannot write") from problem
