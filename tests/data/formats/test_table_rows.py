"""CSV and TSV are tables: a column of texts, never prose."""

import csv
import gzip
from pathlib import Path

import pytest

from gpt25.data import DocumentReader, read_documents
from gpt25.errors import DataError

ROWS = [["1", 'He said "so", twice'], ["2", "two\nlines;\ttab | bar"], ["3", "Zoë 猫 \u2028 ok"], ["4", ""]]


def contents(reader: DocumentReader) -> list[str]:
    return [document.content.decode() for document in reader]


def write(path: Path, rows: list[list[str]] = ROWS, *, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    with open(path, "w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([["id", "text"], *rows])
    return path


@pytest.mark.parametrize(
    ("name", "delimiter"), [("a.csv", ","), ("a.csv", ";"), ("a.csv", "\t"), ("a.csv", "|"), ("a.tsv", "\t")]
)
def test_every_row_of_the_column_is_a_document(tmp_path: Path, name: str, delimiter: str) -> None:
    reader = read_documents([write(tmp_path / name, delimiter=delimiter)])
    assert contents(reader) == [text for _, text in ROWS[:3]]
    assert reader.counts.empty == 1
    assert [document.name.rpartition("/")[2] for document in reader] == [f"{name}:2", f"{name}:3", f"{name}:5"]
    assert contents(read_documents([tmp_path / name], field="id")) == ["1", "2", "3", "4"]


def test_marks_compression_and_named_encodings_are_those_of_texts(tmp_path: Path) -> None:
    for codec in ("utf-8-sig", "utf-16", "utf-32"):
        reader = read_documents([write(tmp_path / "a.csv", encoding=codec)])
        assert contents(reader) == [text for _, text in ROWS[:3]]
        assert reader.counts.byte_order_marks == 1
    packed = tmp_path / "b.csv.gz"
    packed.write_bytes(gzip.compress(write(tmp_path / "a.csv").read_bytes()))
    assert contents(read_documents([packed])) == [text for _, text in ROWS[:3]]
    russian = write(tmp_path / "c.tsv", [["1", "Привет"]], delimiter="\t", encoding="koi8-r")
    assert contents(read_documents([russian], encoding="koi8-r")) == ["Привет"]


def test_bytes_that_are_no_text_follow_the_policy_row_by_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'id,text\n1,good\n2,"b\xe9\nad"\n3,fine\n')
    with pytest.raises(DataError, match=r"a\.csv, line 3: byte 19 \(0xe9\) is not UTF-8"):
        contents(read_documents([tmp_path / "a.csv"]))
    replacing = read_documents([tmp_path / "a.csv"], invalid_utf8="replace")
    assert contents(replacing) == ["good", "b\ufffd\nad", "fine"]
    assert replacing.counts.replaced == 1
    skipping = read_documents([tmp_path / "a.csv"], invalid_utf8="skip")
    assert contents(skipping) == ["good", "fine"]
    assert skipping.counts.skipped == 1


def test_a_column_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", delimiter=";")
    with pytest.raises(DataError, match=r"a\.csv has no column 'body'; its columns: 'id', 'text'\. Choose one"):
        contents(read_documents([tmp_path], field="body"))
    (tmp_path / "a.csv").write_text("text,text\na,b\n")
    with pytest.raises(DataError, match=r"a\.csv has 2 columns 'text', and nothing tells which"):
        contents(read_documents([tmp_path]))
    (tmp_path / "a.csv").write_text("")
    assert contents(read_documents([tmp_path])) == []


def test_a_broken_row_is_named_or_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n1,one\n2,two, of a kind\n\n3,three\n")
    with pytest.raises(DataError, match=r"a\.csv, line 3, has 3 cells, the first row names 2 columns.*--invalid-utf8"):
        contents(read_documents([tmp_path]))
    skipping = read_documents([tmp_path], invalid_utf8="skip")
    assert contents(skipping) == ["one", "three"]
    assert skipping.counts.skipped == 1
    (tmp_path / "a.csv").write_text('id,text\n1,one\n2,"without an end\n3,three\n')
    with pytest.raises(DataError, match=r"a\.csv, line 3, begins no whole row: .*a quote in it is written twice"):
        contents(read_documents([tmp_path]))


def test_a_row_may_be_as_large_as_any_document_and_no_larger(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", [["1", "x" * 300_000]])
    assert [len(text) for text in contents(read_documents([tmp_path]))] == [300_000]
    with pytest.raises(DataError, match=r"a\.csv, the row at line 2, is a document of more than 200,000 bytes"):
        contents(read_documents([tmp_path], largest_document_bytes=200_000))
    (tmp_path / "a.csv").write_text('id,text\n1,"' + "without an end\n" * 9000)
    with pytest.raises(DataError, match=r"is a document of more than 100,000 bytes"):
        contents(read_documents([tmp_path], largest_document_bytes=100_000))


def test_parts_share_tables_by_the_file(tmp_path: Path) -> None:
    from gpt25.data import Part

    for number in range(4):
        write(tmp_path / f"{number}.csv", [[str(number), f"text {number}"]] * 5)
    parts = [contents(read_documents([tmp_path], part=Part(number, 2))) for number in (1, 2)]
    assert parts[0] + parts[1] == contents(read_documents([tmp_path]))
    assert all(parts)
