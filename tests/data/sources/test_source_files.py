import gzip
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


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("a.parquet.gz", "give text, JSON lines .* or Parquet"),
        ("a.bin", "give text, JSON lines .* or Parquet"),
        ("a.tar.gz", "unpack it, and give the folder"),
        ("a.zip", "unpack it, and give the folder"),
        ("a.pdf", "convert it with pdftotext"),
        ("a.docx", "save it as text, or convert it with pandoc"),
        ("a.xlsx", "save the sheet as CSV"),
    ],
)
def test_formats_that_cannot_be_read_are_refused_at_once(tmp_path: Path, name: str, advice: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError, match=rf"{name}: \.\w+ files cannot be read; {advice}"):
        read_documents([tmp_path])


def test_a_picture_is_refused_where_it_is_named_and_left_out_of_a_folder(tree: Path) -> None:
    (tree / "a" / "photo.JPG").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(DataError, match=r"photo\.JPG: \.jpg files cannot be read"):
        read_documents([tree / "a" / "photo.JPG"])
    for source in (tree, f"{tree}/**/*"):
        found = find_source_files([source])
        assert found.left_out.without_text == (str(tree / "a" / "photo.JPG"),)
        assert f"1 file without text was left out: {tree}/a/photo.JPG" in found.left_out.in_words()
    (tree / "pictures").mkdir()
    (tree / "a" / "photo.JPG").rename(tree / "pictures" / "photo.JPG")
    with pytest.raises(DataError, match=r"holds no files to read; 1 file without text was left out"):
        read_documents([tree / "pictures"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", r"notes is a PDF document; convert it with pdftotext\."),
        (b"\x7fELF\2\1\1" + bytes(50), r"notes is no text\."),
        (b"\x1f\x8b\x08\x00rest", r"notes is compressed; give it a name that ends in \.gz"),
        (bytes(range(256)) * 40, r"notes is no text: \d+ of its first 8,192 bytes are control characters"),
        (b"text\x01\xff" * 9, r"notes is no text: 9 of its first 54 bytes"),
        ("Plain words".encode("utf-16-le"), r"notes looks like UTF-16 without .* --encoding utf-16-le\."),
    ],
)
def test_a_file_that_is_clearly_binary_is_refused_by_name_before_any_other_is_read(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "a.txt").write_text("good")
    (tmp_path / "notes").write_bytes(content)
    with pytest.raises(DataError, match=message):
        find_source_files([tmp_path])
    (tmp_path / "notes.gz").write_bytes(gzip.compress(content))
    with pytest.raises(DataError, match=message.replace("notes", r"notes\.gz")):
        list(read_documents([tmp_path / "notes.gz"]))


def test_a_text_with_some_control_characters_is_text(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\x1b[31mred\x1b[0m\0 and a form feed\x0c and a bell\x07, in many words\n" * 300)
    (tmp_path / "cut").write_bytes("ä".encode() * 4095 + b"x" + "ä".encode())  # byte 8,192 is the first half of one
    assert len(list(read_documents([tmp_path]))) == 2


def test_hidden_and_version_control_folders_are_left_out_and_their_files_counted(tree: Path) -> None:
    for name in (".git/objects/ab/1", ".git/objects/ab/2", "a/CVS/Entries", "a/.ipynb_checkpoints/x.ipynb"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("no")
    found = find_source_files([tree])
    assert [file.path.name for file in found.files] == ["c.jsonl", "z.md", "a.txt", "b.txt"]
    assert found.left_out.hidden == 6
    (line,) = found.left_out.in_words()
    left = ", ".join(f"{tree}/{name}" for name in (".git", "a/.hidden", "a/.ipynb_checkpoints", "a/CVS"))
    assert line == f"6 hidden files were left out: {left}"
    assert names(tree, tree / ".git" / "config") == [".git/config"]  # what is named is wanted


def test_what_is_written_is_no_source(tree: Path) -> None:
    with pytest.raises(DataError, match=r"is both the source and the output.*Choose another output directory"):
        find_source_files([tree], output=tree / "a" / "..")
    for name in ("out/index.json", "runs/x/run.toml", "runs/x/samples.jsonl"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("no")
    found = find_source_files([tree], output=tree / "out")
    assert [file.path.name for file in found.files] == ["c.jsonl", "z.md", "a.txt", "b.txt"]
    assert found.left_out.of_runs == (str(tree / "out"), str(tree / "runs" / "x"))
    by_glob = find_source_files([str(tree / "*" / "**" / "*.json*")], output=tree / "out")
    assert by_glob.left_out.of_runs == (str(tree / "out"),)
    assert {file.path.name for file in by_glob.files} == {"c.jsonl", "samples.jsonl"}


def test_tokenizers_models_and_shards_in_a_folder_of_texts_are_no_texts(tmp_path: Path) -> None:
    for name in (
        "a.json",
        "tok/tokenizer.json",
        "tok/merges.txt",
        "model/config.json",
        "model/model.safetensors",
        "shards/index.json",
        "shards/train-000000.bin",
        "pages/index.json",
        "pages/tokenizer.json",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    found = find_source_files([tmp_path])
    assert [str(file.path.relative_to(tmp_path)) for file in found.files] == [
        "a.json",
        "pages/index.json",
        "pages/tokenizer.json",
    ]
    assert found.left_out.of_runs == tuple(str(tmp_path / name) for name in ("model", "shards", "tok"))


def test_zstandard_without_its_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl.zst").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtraError, match=r"a\.jsonl\.zst needs the package zstandard; .*\[data\]"):
        list(read_documents([tmp_path]))


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Texts beside tables of every kind, of which half have other columns."""
    from pyarrow import parquet, table

    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "a.md").write_text("A text.")
    (folder / "b.csv").write_text("id,text\n1,good\n")
    (folder / "c.csv").write_text("id,body\n1,bad\n")
    (folder / "d.jsonl").write_text('{"text": "good"}\n')
    (folder / "e.jsonl").write_text('\n{"body": "bad"}\n')
    (folder / "f.json").write_text('[\n  {"body": "bad"}]')
    (folder / "g.json").write_text('{\n  "name": "a package"\n}')
    (folder / "h.tsv.gz").write_bytes(gzip.compress(b"id\tbody\n1\tbad\n"))
    (folder / "i.csv").write_bytes("id,body\n1,bad\n".encode("utf-16"))
    parquet.write_table(table({"text": ["good"]}), folder / "j.parquet")
    parquet.write_table(table({"body": ["bad"]}), folder / "k.parquet")
    return folder


@pytest.mark.parametrize("pattern", ["", "*"])
def test_tables_without_the_field_are_left_out_of_a_folder_and_named(mixed: Path, pattern: str) -> None:
    reader = read_documents([str(mixed / pattern) if pattern else mixed])
    assert [document.content for document in reader] == [b"A text.", b"good", b"good", b"good"]
    names = [str(mixed / name) for name in ("c.csv", "e.jsonl", "f.json", "g.json", "h.tsv.gz", "i.csv", "k.parquet")]
    assert reader.left_out.without_field == tuple(names)
    assert reader.left_out.in_words() == [
        f"7 files without the field that --field names were left out: {', '.join(names[:5])} … (7 in all)"
    ]


@pytest.mark.parametrize("name", ["c.csv", "e.jsonl", "h.tsv.gz", "k.parquet"])
def test_a_named_file_without_the_field_is_an_error(mixed: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"has no (column|field) 'text'; its (columns|fields): .*'body'\. Choose one"):
        list(read_documents([mixed / "a.md", mixed / name]))


def test_a_folder_in_which_no_file_has_the_field_is_an_error(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("id,body\n1,x\n")
    message = (
        rf"a\.csv has no column 'text'; its columns: 'id', 'body'\. No other file of {tmp_path} has it\. Choose one"
    )
    with pytest.raises(DataError, match=message):
        read_documents([tmp_path])
    assert len(list(read_documents([tmp_path], field="body"))) == 2


def test_what_cannot_be_told_by_a_beginning_is_said_when_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("A text.")
    (tmp_path / "b.jsonl").write_text("no json\n")
    reader = read_documents([tmp_path])
    assert reader.left_out.without_field == ()
    with pytest.raises(DataError, match=r"b\.jsonl, line 1"):
        list(reader)
