from pathlib import Path

import pytest

from gpt25.errors import StorageError
from gpt25.storage import require_output_file


def test_a_free_name_is_fine_and_its_directory_is_made(tmp_path: Path) -> None:
    require_output_file(tmp_path / "new" / "file")
    assert (tmp_path / "new").is_dir()
    assert list((tmp_path / "new").iterdir()) == []


def test_a_name_that_is_taken_is_refused_unless_it_may_be_overwritten(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("there")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises(StorageError, match=rf"{name} is already there\. Choose another name, or add --overwrite"):
            require_output_file(tmp_path / name)
        require_output_file(tmp_path / name, overwrite=True)
    assert (tmp_path / "file").read_text() == "there"


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is a directory; name a file in it"):
        require_output_file(tmp_path, overwrite=True)


def test_a_place_where_nothing_can_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write in"):
        require_output_file(tmp_path / "file" / "below")
