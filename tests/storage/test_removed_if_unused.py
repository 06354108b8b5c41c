"""What was made for work that fails is not left behind."""

from pathlib import Path

import pytest

from gpt25.storage.removed_if_unused import removed_if_unused


class Failed(Exception):
    """The work fails."""


def fail(directory: Path, *names: str, lock_name: str | None = ".lock") -> None:
    def work() -> None:
        with removed_if_unused(directory, lock_name=lock_name):
            for name in names:
                (directory / name).parent.mkdir(parents=True, exist_ok=True)
                (directory / name).touch()
            raise Failed

    with pytest.raises(Failed):
        work()


def test_what_was_made_goes_with_its_lock_and_what_stands_above_it(tmp_path: Path) -> None:
    fail(tmp_path / "a" / "b", ".lock", "empty/.lock")
    assert list(tmp_path.iterdir()) == []
    fail(tmp_path / "never made")


def test_what_holds_work_stays(tmp_path: Path) -> None:
    fail(tmp_path / "a" / "b", ".lock", "deep/chunk")
    assert (tmp_path / "a" / "b" / "deep" / "chunk").exists()
    assert (tmp_path / "a" / "b" / ".lock").exists()
    fail(tmp_path / "c", ".lock", lock_name=None)
    assert (tmp_path / "c" / ".lock").exists()


def test_of_what_was_there_only_a_new_lock_goes(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    fail(tmp_path / "mine", ".lock")
    assert list((tmp_path / "mine").iterdir()) == []
    (tmp_path / "mine" / ".lock").touch()
    fail(tmp_path / "mine", ".lock")
    assert (tmp_path / "mine" / ".lock").exists()


def test_what_is_done_stays(tmp_path: Path) -> None:
    with removed_if_unused(tmp_path / "a", lock_name=".lock"):
        (tmp_path / "a").mkdir()
    assert (tmp_path / "a").exists()
