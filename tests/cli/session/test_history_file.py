import os
import stat
from pathlib import Path

import pytest

from gpt25.cli.session.history_file import history_file
from gpt25.errors import StorageError


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "state"


def test_it_is_its_owner_s_alone(state: Path) -> None:
    path = history_file()
    assert path == state / "gpt25" / "generate_history"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("named", [None, "", "not/absolute"])
def test_without_an_absolute_path_it_is_below_the_home_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    if named is not None:
        monkeypatch.setenv("XDG_STATE_HOME", named)
    assert history_file() == tmp_path / "home" / ".local" / "state" / "gpt25" / "generate_history"


def test_what_is_there_stays_and_what_is_too_long_loses_its_beginning() -> None:
    path = history_file()
    path.write_bytes(b"\n# 1\n+one\n")
    assert history_file().read_bytes() == b"\n# 1\n+one\n"
    path.write_bytes(b"".join(b"\n# %d\n+%s\n" % (number, b"x" * 100) for number in range(20_000)))
    kept = history_file().read_bytes()
    assert len(kept) < 1 << 20
    assert kept.startswith(b"\n# ")
    assert kept.endswith(b"\n# 19999\n+" + b"x" * 100 + b"\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_no_file_is_refused(state: Path) -> None:
    (state / "gpt25").mkdir(parents=True)
    os.mkfifo(state / "gpt25" / "generate_history")
    with pytest.raises(StorageError, match="is a pipe, no regular file"):
        history_file()


def test_a_directory_that_cannot_be_made_is_named(state: Path) -> None:
    state.write_text("a file")
    with pytest.raises(StorageError, match=r"cannot keep a history in .*state"):
        history_file()
