import gzip
import json
import time
from pathlib import Path

import pytest
import zstandard

from gpt25.data import DocumentReader, read_documents, standard_library_documents
from gpt25.data.sources.source_files import standard_library_files
from gpt25.errors import ConfigurationError, DataError, StorageError


def contents(reader: DocumentReader) -> list[bytes]:
    return [document.content for document in reader]


def write_lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_text_file_is_one_document_with_its_exact_bytes(tmp_path: Path) -> None:
    content = "zero \0 byte, ünïcode, \u2028 and\r\nall\n".encode()
    (tmp_path / "a.txt").write_bytes(content)
    (document,) = read_documents([tmp_path / "a.txt"])
    assert document.content == content
    assert document.name == str(tmp_path / "a.txt")


def test_json_lines_give_the_chosen_field_a_document_a_line(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", {"text": "no", "body": "one\n\u2028\0"}, {"body": "zwei 🙂"})
    assert contents(read_documents([path], field="body")) == ["one\n\u2028\0".encode(), "zwei 🙂".encode()]


def test_blank_lines_and_line_ends_of_windows_are_no_documents(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a"}\r\n\r\n\n{"text": "b"}')
    assert contents(read_documents([tmp_path / "a.jsonl"])) == [b"a", b"b"]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_files_read_as_if_they_were_not(tmp_path: Path, suffix: str) -> None:
    compress = gzip.compress if suffix == ".gz" else zstandard.ZstdCompressor().compress
    lines = "".join(json.dumps({"text": f"line {number} " * 50}) + "\n" for number in range(3000)).encode()
    # Two members or frames one after the other are one file, as `cat a.gz b.gz` makes them.
    (tmp_path / f"a.jsonl{suffix}").write_bytes(compress(lines[:70_000]) + compress(lines[70_000:]))
    (tmp_path / f"b.txt{suffix}").write_bytes(compress(b"plain"))
    found = contents(read_documents([tmp_path]))
    assert found == [f"line {number} ".encode() * 50 for number in range(3000)] + [b"plain"]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_compressed_file_cut_short_is_named(tmp_path: Path, suffix: str) -> None:
    compress = gzip.compress if suffix == ".gz" else zstandard.ZstdCompressor().compress
    whole = compress(bytes(range(256)) * 50)
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(whole[:-3])
    with pytest.raises(DataError, match=rf"a\.txt\{suffix} is damaged or cut short"):
        contents(read_documents([path]))
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match="is damaged or cut short"):
        contents(read_documents([path]))


def test_invalid_utf8_is_refused_with_file_and_byte(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"0123\xff5")
    with pytest.raises(DataError, match=r"a\.txt: byte 4 \(0xff\) is not UTF-8.*--encoding .*--invalid-utf8 replace"):
        contents(read_documents([tmp_path / "a.txt"]))
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "x"}\n{"text": "\xc3"}\n')
    with pytest.raises(DataError, match=r"a\.jsonl, line 2: byte 24 \(0xc3\) is not UTF-8"):
        contents(read_documents([tmp_path / "a.jsonl"]))


def test_invalid_utf8_is_replaced_or_skipped_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a\xffb")
    (tmp_path / "b.jsonl").write_bytes(b'{"text": "good"}\n{"text": "x\xc3"}\n')
    replacing = read_documents([tmp_path], invalid_utf8="replace")
    assert contents(replacing) == ["a\ufffdb".encode(), b"good", "x\ufffd".encode()]
    assert (replacing.counts.replaced, replacing.counts.skipped) == (2, 0)
    skipping = read_documents([tmp_path], invalid_utf8="skip")
    assert contents(skipping) == [b"good"]
    assert (skipping.counts.replaced, skipping.counts.skipped) == (0, 2)


def test_lone_surrogates_in_json_follow_the_same_policy(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "ok \\ud83d\\ude42"}\n{"text": "bad \\ud800!"}\n')
    with pytest.raises(DataError, match=r"line 2: character 4 \(U\+D800\) is a lone surrogate"):
        contents(read_documents([tmp_path / "a.jsonl"]))
    replacing = read_documents([tmp_path / "a.jsonl"], invalid_utf8="replace")
    assert contents(replacing) == ["ok 🙂".encode(), "bad \ufffd!".encode()]
    assert replacing.counts.replaced == 1
    skipping = read_documents([tmp_path / "a.jsonl"], invalid_utf8="skip")
    assert contents(skipping) == ["ok 🙂".encode()]
    assert skipping.counts.skipped == 1


def test_an_unknown_policy_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ConfigurationError, match="strict, replace, skip; not by 'ignore'"):
        read_documents([tmp_path / "a.txt"], invalid_utf8="ignore")  # type: ignore[arg-type]


def test_a_byte_order_mark_at_the_start_is_dropped_and_counted_elsewhere_it_is_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfa\xef\xbb\xbf")
    (tmp_path / "b.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "\\ufeffb"}\n')
    reader = read_documents([tmp_path])
    assert contents(reader) == [b"a\xef\xbb\xbf", b"\xef\xbb\xbfb"]
    assert reader.counts.byte_order_marks == 2


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_mark_chooses_utf16_and_utf32_for_texts_json_lines_and_arrays(tmp_path: Path, codec: str) -> None:
    rows = ["Zoë 猫\n", "two"]
    lines = "".join(json.dumps({"text": row}, ensure_ascii=False) + "\r\n" for row in rows)
    array = json.dumps([{"text": row} for row in rows], indent=1)
    for name, text in (("a.txt", rows[0]), ("b.jsonl", lines), ("c.json", array)):
        (tmp_path / name).write_bytes(("\ufeff" + text).encode(codec))
    reader = read_documents([tmp_path])
    assert contents(reader) == [text.encode() for text in [rows[0], *rows, *rows]]
    assert reader.counts.byte_order_marks == 3


def test_replace_is_not_offered_where_it_would_ruin_the_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for content, advice in (
        (b"\xff\xfeab\0", "is not UTF-16.*damaged or cut short"),
        ("für Zoë, größer, älter".encode("latin-1"), "looks like Windows-1252.*read it with --encoding cp1252"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=advice) as caught:
            contents(read_documents([path]))
        assert "U+FFFD" not in str(caught.value)


def test_a_lone_carriage_return_ends_a_json_line_and_nothing_inside_a_text_does(tmp_path: Path) -> None:
    rows = [{"text": "one\u2028\x85"}, {"text": "two"}, {"text": "three"}]
    first, second, third = (json.dumps(row, ensure_ascii=False) for row in rows)
    (tmp_path / "a.jsonl").write_bytes(f"{first}\r{second}\r\n\r\n{third}".encode())
    assert contents(read_documents([tmp_path])) == [row["text"].encode() for row in rows]


def test_a_json_array_is_read_and_null_is_an_empty_text(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"text": "one"}, {"text": None}, {"text": "two"}], indent=2))
    write_lines(tmp_path / "b.jsonl", {"text": None}, {"text": "three"})
    reader = read_documents([tmp_path])
    assert [document.name.rpartition("/")[2] for document in reader] == ["a.json:1", "a.json:3", "b.jsonl:2"]
    assert reader.counts.empty == 2
    (tmp_path / "a.json").write_text('[{"text": "one"}, 2]')
    with pytest.raises(DataError, match=r"a\.json, entry 2 holds a number, expected an object"):
        contents(read_documents([tmp_path]))


def test_a_separator_ends_documents_with_its_whole_line_where_it_stands_alone(tmp_path: Path) -> None:
    mark = "<|endoftext|>"
    (tmp_path / "a.txt").write_text(f"one{mark}two\n{mark}\nthree\n{mark}\n{mark}\n \n{mark}")
    (tmp_path / "b.txt").write_bytes(f"{mark}\r\nfour\r\n{mark}\r\nfive".encode())
    reader = read_documents([tmp_path], document_separator=mark)
    assert contents(reader) == [b"one", b"two\n", b"three\n", b"four\r\n", b"five"]
    assert sum(document.source_bytes or 0 for document in reader) == reader.source_bytes
    plain = read_documents([tmp_path])
    assert len(contents(plain)) == 2
    assert plain.fingerprint != reader.fingerprint
    with pytest.raises(ConfigurationError, match="document_separator is '\\\\n'; it must hold more than white space"):
        read_documents([tmp_path], document_separator="\n")


def test_documents_are_counted_no_further_than_it_takes_to_know(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", *[{"text": "x"}] * 5, {"no text": "beyond"})
    for name in ("b.txt", "c.txt", "d.txt"):
        (tmp_path / name).write_text("" if name == "d.txt" else "x")
    assert read_documents([tmp_path]).has_more_than(4)
    with pytest.raises(DataError, match="line 6 has no field"):
        read_documents([tmp_path]).has_more_than(5)
    texts = read_documents([str(tmp_path / "*.txt")])
    assert (texts.has_more_than(1), texts.has_more_than(2)) == (True, False)


def test_empty_documents_are_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"")
    write_lines(tmp_path / "b.jsonl", {"text": ""}, {"text": "x"})
    reader = read_documents([tmp_path])
    assert contents(reader) == [b"x"]
    assert reader.counts.empty == 2


def test_every_loop_reads_anew_and_counts_anew(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff")
    reader = read_documents([tmp_path], invalid_utf8="replace")
    assert contents(reader) == contents(reader) == ["\ufffd".encode()]
    assert reader.counts.replaced == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[" * 100_000, r"a\.jsonl is not JSON.* begins like one JSON array"),
        ('{"text": "a"}\n[1]', r"line 2 holds a list, expected an object with the field 'text', which --field"),
        ('{"body": 1, "id": 2}', r"line 1 has no field 'text'; its fields: 'body', 'id'\. Choose one with --field"),
        ('{"text": 7}', r"line 1: the field 'text' holds a number, expected a text"),
    ],
)
def test_a_line_that_is_no_document_is_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "a.jsonl").write_text(line + "\n")
    with pytest.raises(DataError, match=message):
        contents(read_documents([tmp_path / "a.jsonl"], invalid_utf8="skip"))


def test_a_line_that_is_no_json_ends_the_reading_or_is_skipped_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n{"text": "cut of\n{"text": "two"}\n')
    with pytest.raises(DataError, match=r"a\.jsonl, line 2 is not JSON.* leave such lines out with --inv"):
        contents(read_documents([tmp_path / "a.jsonl"], invalid_utf8="replace"))
    skipping = read_documents([tmp_path / "a.jsonl"], invalid_utf8="skip")
    assert contents(skipping) == [b"one", b"two"]
    assert skipping.counts.skipped == 1


def test_a_file_that_vanishes_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    reader = read_documents([tmp_path / "a.txt"])
    (tmp_path / "a.txt").unlink()
    with pytest.raises(StorageError, match=r"cannot read .*a\.txt"):
        contents(reader)


def test_one_long_line_takes_linear_time(tmp_path: Path) -> None:
    def seconds(size: int) -> float:
        write_lines(tmp_path / "a.jsonl", {"text": "a" * size})
        start = time.process_time()
        assert [len(content) for content in contents(read_documents([tmp_path / "a.jsonl"]))] == [size]
        return time.process_time() - start

    small, large = min(seconds(1 << 20) for _ in range(3)), min(seconds(1 << 24) for _ in range(2))
    assert large < 80 * small  # 16 times the text; quadratic would be 256 times the work


def test_the_fingerprint_follows_files_and_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x")
    first = read_documents([path]).fingerprint
    assert read_documents([path]).fingerprint == first
    assert read_documents([path], invalid_utf8="skip").fingerprint != first
    assert read_documents([path], field="body").fingerprint != first
    path.write_text("xy")
    assert read_documents([path]).fingerprint != first


def test_the_bytes_of_all_sources_are_known_before_reading_and_told_document_by_document(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf12345")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"x" * 1000))
    lines = b"".join(b'{"text": "%d"}\n' % number for number in range(9))
    (tmp_path / "c.jsonl").write_bytes(lines)
    (tmp_path / "d.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(lines))
    (tmp_path / "e.jsonl.gz").write_bytes(gzip.compress(lines))
    total = sum(path.stat().st_size for path in tmp_path.iterdir())
    reader = read_documents([tmp_path])
    assert reader.source_bytes == total
    done = [document.source_bytes or 0 for document in reader]
    assert len(done) == 29
    assert total - 20 <= sum(done) <= total  # the last bytes of an archive may belong to no line


def test_the_standard_library_is_read_by_python_s_rules_without_tests(tmp_path: Path) -> None:
    (tmp_path / "json" / "tests").mkdir(parents=True)
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "json" / "tests" / "test_json.py").write_text("no")
    (tmp_path / "site-packages" / "other.py").write_text("no")
    (tmp_path / "data.txt").write_text("no")
    (tmp_path / "json" / "decoder.py").write_bytes(b"# -*- coding: latin-1 -*-\r\nx = '\xe9'\r\n")
    (tmp_path / "abc.py").write_bytes(b"\xef\xbb\xbfy = 'caf\xc3\xa9'\n")
    found = [(document.name, document.content) for document in standard_library_documents(tmp_path)]
    assert found == [
        ("abc.py", "y = 'café'\n".encode()),
        ("json/decoder.py", "# -*- coding: latin-1 -*-\nx = 'é'\n".encode()),
    ]


def test_this_python_s_own_library_is_there() -> None:
    names = [file.name for file in standard_library_files()]
    assert len(names) > 300
    assert names == sorted(names, key=lambda name: Path(name).parts)
    assert not any({"test", "tests", "site-packages"}.intersection(Path(name).parts) for name in names)
    assert next(iter(standard_library_documents())).name == names[0]


def test_a_python_file_that_lies_about_its_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_bytes(b"# coding: utf-8\nx = '\xff'\n")
    with pytest.raises(DataError, match=r"bad\.py is not readable as Python source"):
        contents(standard_library_documents(tmp_path))
