import sys
from pathlib import Path

import pytest

from gpt25.data import read_documents
from gpt25.data.sources.source_files import find_source_files
from gpt25.errors import DataError, MissingExtraError


def names(tmp_path: Path, *sources: str | Path) -> list[str]:
    return [file.path.relative_to(tmp_path).as_posix() for file in find_source_files(sources).files]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.txt", "a/z.md", "a/b/c.jsonl", "a.txt", ".git/config", "a/.hidden"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_a_folder_is_read_to_its_depth_sorted_without_hidden_names(tree: Path) -> None:
    assert names(tree, tree) == ["a/b/c.jsonl", "a/z.md", "a.txt", "b.txt"]


def test_globs_are_sorted_sources_keep_their_order_and_a_file_counts_once(tree: Path) -> None:
    assert names(tree, tree / "b.txt", str(tree / "*.txt")) == ["b.txt", "a.txt"]
    assert names(tree, str(tree / "**" / "*.md")) == ["a/z.md"]


def test_the_ending_tells_how_a_file_is_read(tree: Path) -> None:
    kinds = {file.path.name: file.kind for file in find_source_files([tree]).files}
    assert kinds == {"a.txt": "text", "b.txt": "text", "z.md": "text", "c.jsonl": "json_lines"}


def test_the_word_standard_library_stands_for_it() -> None:
    files = find_source_files(["standard-library"]).files
    assert any(file.name == "json/decoder.py" and file.kind == "python" for file in files)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file or folder .*absent\.txt; name a text file"):
        read_documents([tmp_path / "absent.txt"])
    with pytest.raises(DataError, match=r"no file matches .*\*\.txt"):
        read_documents([str(tmp_path / "*.txt")])
    with pytest.raises(DataError, match="holds no files to read"):
        read_documents([tmp_path])
    with pytest.raises(DataError, match="no source was named"):
        read_documents([])


def test_a_standard_library_without_sources_is_refused(tmp_path: Path) -> None:
    from gpt25.data import standard_library_documents

    with pytest.raises(DataError, match="there is no Python standard library in"):
        standard_library_documents(tmp_path)


@pytest.mark.parametrize("name", ["a.parquet.gz", "a.tar.gz", "a.bin", "a.zip"])
def test_formats_that_cannot_be_read_are_refused_at_once(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError, match=rf"{name}: \.\w+ files cannot be read; give text, JSON lines .* or Parquet"):
        read_documents([tmp_path])


def test_zstandard_without_its_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl.zst").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtraError, match=r"a\.jsonl\.zst needs the package zstandard; .*gpt25\[data\]"):
        list(read_documents([tmp_path]))
