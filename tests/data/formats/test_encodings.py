"""Texts in other encodings: the message names the likely one, and --encoding reads them."""

import json
import sys
from pathlib import Path

import pytest

from gpt25.data import DocumentReader, read_documents
from gpt25.errors import ConfigurationError, DataError

TEXTS = {
    "cp1252": "Für Zoë: größer, älter, déjà vu. ",
    "cp1251": "Привет, как дела? Это обычный русский текст. ",
    "koi8_r": "Привет, как дела? Это обычный русский текст. ",
    "cp932": "これは日本語のテキストです。吾輩は猫である。",
    "gb18030": "这是一个中文文本，用于测试编码检测。",
    "big5": "這是一個中文文本，用於測試編碼檢測。",
}


def contents(reader: DocumentReader) -> list[str]:
    return [document.content.decode() for document in reader]


@pytest.mark.parametrize("codec", TEXTS)
def test_the_likely_encoding_is_named_and_reads_the_text(tmp_path: Path, codec: str) -> None:
    text = TEXTS[codec] * 3
    (tmp_path / "a.txt").write_bytes(text.encode(codec))
    (tmp_path / "b.txt").write_text("naïve")  # UTF-8 stays UTF-8
    with pytest.raises(DataError, match=rf"a\.txt: byte .* is not UTF-8.*read it with --encoding {codec}\.") as caught:
        contents(read_documents([tmp_path]))
    assert "U+FFFD" not in str(caught.value)
    assert contents(read_documents([tmp_path], encoding=codec)) == [text, "naïve"]


def test_without_the_package_that_guesses_western_europe_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "charset_normalizer", None)
    (tmp_path / "a.txt").write_bytes(TEXTS["cp1252"].encode("cp1252"))
    with pytest.raises(DataError, match=r"looks like Windows-1252.*--encoding cp1252\."):
        contents(read_documents([tmp_path]))


def test_a_mark_is_stronger_than_a_name_and_json_lines_are_read_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Zoë".encode("utf-16"))
    rows = [json.dumps({"text": text}, ensure_ascii=False) for text in ("Zoë", "größer")]
    (tmp_path / "b.jsonl").write_bytes(f"{rows[0]}\n".encode() + f"{rows[1]}\n".encode("latin-1"))
    assert contents(read_documents([tmp_path], encoding="latin-1")) == ["Zoë", "Zoë", "größer"]


def test_an_encoding_that_is_no_ascii_reads_all_that_has_no_mark(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("plain".encode("utf-16-be"))
    (tmp_path / "b.jsonl").write_bytes('{"text": "one"}\n{"text": "two"}\n'.encode("utf-16-be"))
    assert contents(read_documents([tmp_path], encoding="utf-16-be")) == ["plain", "one", "two"]


def test_what_is_not_in_the_named_encoding_either_follows_the_policy(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"ab\x81\xffc")
    with pytest.raises(DataError, match=r"byte 2 \(0x81\) is not cp1252: .*Name another encoding with --encoding, or"):
        contents(read_documents([tmp_path], encoding="cp1252"))
    assert contents(read_documents([tmp_path], encoding="cp1252", invalid_utf8="replace")) == ["ab\ufffdÿc"]


@pytest.mark.parametrize("name", ["latin-99", "rot13", "undefined", "a\0b", ""])
def test_a_name_that_is_no_text_encoding_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"the encoding .* is not one that Python knows; such are cp1252"):
        read_documents(["standard-library"], encoding=name)


def test_the_encoding_is_part_of_what_a_preparation_is_known_by(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    plain = read_documents([tmp_path]).fingerprint
    assert read_documents([tmp_path], encoding="cp1252").fingerprint != plain
