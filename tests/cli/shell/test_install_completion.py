"""Where the script of each shell goes, and the line that reads it."""

import os
from pathlib import Path

import pytest

from gpt25.cli.shell.install_completion import install_completion
from gpt25.errors import StorageError


def test_the_line_is_added_once_and_nothing_else_is_changed(tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles" / "bashrc"
    kept.parent.mkdir()
    kept.write_bytes(b"alias ll='ls -l'\xff")  # not even UTF-8, and no line break at its end
    (tmp_path / ".bashrc").symlink_to(kept)
    environment = {"HOME": str(tmp_path)}
    found = install_completion("bash", "first\n", environment)
    assert found.start_up_file == tmp_path / ".bashrc"
    once = kept.read_bytes()
    assert once.startswith(b"alias ll='ls -l'\xff\n[ -r ")
    assert once.endswith(b"  # completion of gpt25\n")
    assert (tmp_path / ".bashrc").is_symlink()
    assert install_completion("bash", "second\n", environment) == found
    assert kept.read_bytes() == once
    assert found.script.read_text(encoding="utf-8") == "second\n"


def test_users_own_folders_are_minded(tmp_path: Path) -> None:
    environment = {
        "HOME": str(tmp_path / "home"),
        "XDG_DATA_HOME": str(tmp_path / "data it's"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "ZDOTDIR": str(tmp_path / "zsh"),
    }
    zsh = install_completion("zsh", "#compdef gpt25\n", environment)
    assert zsh.script == tmp_path / "data it's" / "gpt25" / "completion.zsh"
    assert zsh.start_up_file == tmp_path / "zsh" / ".zshrc"
    assert "'\"'\"'" in zsh.start_up_file.read_text(encoding="utf-8")  # quoted
    fish = install_completion("fish", "", environment)
    assert (fish.script, fish.start_up_file) == (tmp_path / "config" / "fish" / "completions" / "gpt25.fish", None)
    assert not (tmp_path / "home").exists()


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="HOME is not set"):
        install_completion("bash", "", {})
    (tmp_path / ".bashrc").mkdir()
    with pytest.raises(StorageError, match=r"\.bashrc"):
        install_completion("bash", "", {"HOME": str(tmp_path)})
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot make"):
        install_completion("fish", "", {"HOME": str(tmp_path), "XDG_CONFIG_HOME": os.fspath(tmp_path / "file")})
