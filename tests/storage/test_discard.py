"""A removal that is killed leaves the whole directory, or leftovers that are swept: never half of it under its name."""

import os
import shutil
from pathlib import Path

import pytest

from gpt25.storage import discard, remove_leftovers


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "update-000001").mkdir()
    for name in ("MANIFEST.json", "a", "b"):
        (tmp_path / "update-000001" / name).write_text(name)
    return tmp_path / "update-000001"


def test_a_directory_goes(directory: Path) -> None:
    discard(directory)
    assert list(directory.parent.iterdir()) == []


def test_a_removal_that_dies_leaves_no_half_under_the_name(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(path: str | Path) -> None:
        os.unlink(Path(path) / "a")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            discard(directory)
    assert not directory.exists()
    (leftover,) = directory.parent.iterdir()
    assert remove_leftovers(directory.parent) == [leftover]
    assert list(directory.parent.iterdir()) == []


def test_what_cannot_be_removed_stays_whole(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(old: object, new: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "rename", refused)
    discard(directory)
    assert sorted(path.name for path in directory.iterdir()) == ["MANIFEST.json", "a", "b"]


def test_of_a_link_only_the_link_goes(directory: Path) -> None:
    link = directory.with_name("link")
    link.symlink_to(directory)
    discard(link)
    assert list(directory.parent.iterdir()) == [directory]
    assert sorted(path.name for path in directory.iterdir()) == ["MANIFEST.json", "a", "b"]
