import sys
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from gpt25.data import prepare, read_documents
from gpt25.data.sources.left_out import LeftOut
from gpt25.errors import DataError, MissingExtraError
from gpt25.tokenizer import Tokenizer


def write(path: Path, texts: list[str | None], *, rows: int = 7, column: str = "text", **columns: list) -> Path:
    parquet.write_table(pyarrow.table({column: texts, **columns}), path, row_group_size=rows)
    return path


def contents(path: Path, **words: str) -> list[str]:
    return [document.content.decode() for document in read_documents([path], **words)]


def test_every_row_is_a_document_in_order_whatever_the_groups(tmp_path: Path) -> None:
    texts = [f"row {number} 🙂\0\n" for number in range(700)]
    for rows in (1, 7, 699, 1000):
        assert contents(write(tmp_path / "a.parquet", texts, rows=rows)) == texts
    documents = list(read_documents([tmp_path / "a.parquet"]))
    assert documents[699].name == f"{tmp_path}/a.parquet:700"
    assert sum(document.source_bytes or 0 for document in documents) == (tmp_path / "a.parquet").stat().st_size


def test_another_column_is_chosen_and_large_strings_and_empty_cells_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", ["one", None, ""], column="body", number=[1, 2, 3])
    reader = read_documents([path], field="body")
    assert [document.content for document in reader] == [b"one"]
    assert reader.counts.empty == 2
    parquet.write_table(pyarrow.table({"text": pyarrow.array(["x"], pyarrow.large_string())}), path)
    assert contents(path) == ["x"]
    parquet.write_table(pyarrow.table({"text": pyarrow.array([], pyarrow.string())}), path)
    assert contents(path) == []


def test_every_string_type_of_arrow_is_text(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    texts = ["one", "two", "one", None]
    for array in (
        pyarrow.array(texts).dictionary_encode(),
        pyarrow.array(texts, pyarrow.large_string()).dictionary_encode(),
        pyarrow.array(texts, pyarrow.string_view()),
    ):
        parquet.write_table(pyarrow.table({"text": array}), path)
        reader = read_documents([path])
        assert [document.content for document in reader] == [b"one", b"two", b"one"]
        assert reader.counts.empty == 1


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table([["x"], ["y"], ["z"]], names=["text", "text", "body"]), path)
    assert contents(path, field="body") == ["z"]
    with pytest.raises(DataError, match=r"a\.parquet has 2 columns 'text'"):
        contents(path)


def test_a_readme_beside_the_files_of_a_set_is_no_document(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    (folder / "data").mkdir(parents=True)
    write(folder / "data" / "train.parquet", ["x"])
    for name in ("README.md", "LICENSE", "dataset_infos.json"):
        (folder / name).write_text("{}")
    for source in (folder, f"{folder}/**/*"):
        reader = read_documents([source])
        assert [document.content for document in reader] == [b"x"]
        names = [Path(name).name for name in reader.left_out.beside_a_set]
        assert names == ["LICENSE", "README.md", "dataset_infos.json"]
    assert read_documents([folder / "README.md"]).left_out == LeftOut()
    (folder / "data" / "train.parquet").unlink()
    (folder / "notes.txt").write_text("y")
    (folder / "dataset_infos.json").unlink()
    texts = read_documents([folder])
    assert len(list(texts)) == 3
    assert texts.left_out == LeftOut()


def test_folders_and_globs_of_parquet_become_shards(tmp_path: Path, tokenizer: Tokenizer) -> None:
    (tmp_path / "in").mkdir()
    for number in (1, 0):
        write(tmp_path / "in" / f"00{number}.parquet", [f"{number}"] * 3)
    data = prepare(read_documents([f"{tmp_path}/in/*.parquet"]), tokenizer, tmp_path / "out", validation_fraction=0)
    assert (data.train.documents, data.train.tokens) == (6, 12)
    again = prepare(read_documents([tmp_path / "in"]), tokenizer, tmp_path / "other", validation_fraction=0)
    assert again.content_sha256 == data.content_sha256


def test_what_is_wrong_with_a_file_is_told_with_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", ["x"], number=[1])
    with pytest.raises(
        DataError, match=r"a\.parquet has no column 'body'; its columns: 'text', 'number'\. Choose one with --field"
    ):
        contents(path, field="body")
    with pytest.raises(
        DataError, match=r"a\.parquet: the column 'number' holds int64, expected a text\. Choose another"
    ):
        contents(path, field="number")
    whole = path.read_bytes()
    for damaged in (b"", b"PAR1", whole[:-9], whole[: len(whole) // 3] + bytes(40) + whole[len(whole) // 3 + 40 :]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"cannot read .*a\.parquet as Parquet: .*Fetch or write it") as caught:
            contents(path)
        assert "\n" not in str(caught.value)


def test_its_package_is_named_where_it_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.parquet", ["x"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"a\.parquet needs the package pyarrow; .*\[data\]"):
        contents(path)
