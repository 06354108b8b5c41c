import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpt25.cli.main import main
from gpt25.records import in_this_shell
from gpt25.tokenizer import Tokenizer

HELLO = "Hello, I'm a language model,"
HELLO_IDS = [15496, 11, 314, 1101, 257, 3303, 2746, 11]
TEXT = "the quick brown fox jumps over the lazy dog\n" * 50


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> dict:
    assert main(["tokenizer", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def said(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["tokenizer", *map(str, words)]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["tokenizer", *map(str, words)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return captured.err


@pytest.fixture
def trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    (tmp_path / "text.txt").write_text(TEXT)
    answer(capsys, "train", tmp_path / "text.txt", "--vocabulary-size", 280, "--output", tmp_path / "own")
    return tmp_path / "own"


def test_encode_answers_with_the_ids(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "encode", HELLO, "--tokenizer", "gpt2") == {"token_ids": HELLO_IDS}
    assert answer(capsys, "encode", HELLO) == {"token_ids": HELLO_IDS}
    assert answer(capsys, "encode", "") == {"token_ids": []}


def test_encode_shows_each_piece_in_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "encode", "Hello 👩").splitlines()
    assert lines[:2] == ["10 bytes are 3 tokens of gpt2", "place     id  piece"]
    assert [line.split(maxsplit=2)[1:] for line in lines[2:]] == [
        ["15496", "'Hello'"],
        ["50169", r"b' \xf0\x9f\x91'"],
        ["102", r"b'\xa9'"],
    ]


def test_encode_shows_no_more_than_a_thousand_rows(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "encode", "1 " * 1199).splitlines()
    assert len(lines) == 2 + 1000 + 1
    assert lines[-1] == "… and 200 more; --json prints all of them"


def test_encode_reads_any_bytes_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"caf\xc3\xa9\xff\x00\r\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    ids = answer(capsys, "encode", "-")["token_ids"]
    assert Tokenizer.gpt2().decode_bytes(ids) == content


def test_encode_reads_what_a_byte_order_mark_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for codec in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\ufeffcafé".encode(codec))))
        assert answer(capsys, "encode", "-")["token_ids"] == Tokenizer.gpt2().encode("café")


def test_encode_parses_special_tokens_where_asked_and_notices_them_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert answer(capsys, "encode", "a<|endoftext|>", "--special-tokens", "parse")["token_ids"] == [64, 50256]
    assert main(["tokenizer", "encode", "a<|endoftext|>", "--json"]) == 0
    printed = capsys.readouterr()
    assert "the text holds the name of a special token, read as text like any other" in printed.err
    assert len(json.loads(printed.out)["token_ids"]) == 8


def test_bytes_of_the_command_line_arrive_unchanged() -> None:
    words = [sys.executable, "-m", "gpt25", "tokenizer", "encode", b"a\xffb \xc3\xa9", "--json"]
    done = subprocess.run(words, capture_output=True, env={**os.environ, "PYTHONUTF8": "1"}, check=True)
    assert Tokenizer.gpt2().decode_bytes(json.loads(done.stdout)["token_ids"]) == b"a\xffb \xc3\xa9"


def test_decode_answers_with_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "decode", *HELLO_IDS, "--tokenizer", "gpt2") == {"text": HELLO}
    assert said(capsys, "decode", *HELLO_IDS) == HELLO + "\n"


def test_train_writes_a_tokenizer_that_the_other_words_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    rows = "".join(json.dumps({"body": line}) + "\n" for line in TEXT.splitlines())
    (tmp_path / "rows.jsonl").write_text(rows)
    words = ("--vocabulary-size", 280, "--field", "body", "--output", tmp_path / "own")
    told = answer(capsys, "train", tmp_path / "text.txt", tmp_path / "rows.jsonl", *words)
    tokenizer = Tokenizer.load(tmp_path / "own")
    assert told == {
        "tokenizer": str(tmp_path / "own"),
        "name": tokenizer.name,
        "fingerprint": tokenizer.fingerprint,
        "vocabulary_size": 280,
        "end_of_text_id": 279,
    }
    ids = answer(capsys, "encode", "the lazy dog", "--tokenizer", tmp_path / "own")["token_ids"]
    assert ids == tokenizer.encode("the lazy dog")
    assert answer(capsys, "decode", *ids, "--tokenizer", tmp_path / "own") == {"text": "the lazy dog"}


def test_train_says_how_to_try_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    words = (tmp_path / "text.txt", "--vocabulary-size", 280, "--output", tmp_path / "own")
    trial = in_this_shell(f"gpt25 tokenizer encode 'Hello world' --tokenizer {tmp_path / 'own'}")
    assert f"is in {tmp_path / 'own'}. Try it:\n  {trial}\n" in said(capsys, "train", *words)


def test_train_refuses_what_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    text, own = tmp_path / "text.txt", tmp_path / "own"
    assert "absent.txt" in refused(capsys, "train", tmp_path / "absent.txt", "--vocabulary-size", 280, "--output", own)
    assert "at most, not 5,000" in refused(capsys, "train", text, "--vocabulary-size", 5000, "--output", own)
    assert "from 257" in refused(capsys, "train", text, "--vocabulary-size", 12, "--output", own)
    assert "there is nothing to learn from" in refused(capsys, "train", "--vocabulary-size", 280, "--output", own)
    assert f"cannot write in {text}" in refused(capsys, "train", text, "--vocabulary-size", 280, "--output", text)
    (tmp_path / "bad.txt").write_bytes(b"ab\xff")
    assert "bad.txt" in refused(capsys, "train", tmp_path / "bad.txt", "--vocabulary-size", 257, "--output", own)
    (tmp_path / "empty.txt").write_text("")
    words = ("--vocabulary-size", 280, "--output", own)
    assert "there is no text to learn a vocabulary from" in refused(capsys, "train", tmp_path / "empty.txt", *words)
    assert not own.exists() or not any(own.iterdir())


def test_train_replaces_no_tokenizer_unless_it_is_told_to(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("train", tmp_path / "text.txt", "--vocabulary-size", 270, "--output", trained)
    before = (trained / "tokenizer.json").read_bytes()
    assert f"{trained} holds a tokenizer already; " in (error := refused(capsys, *words))
    assert "Choose another --output, or add --overwrite to replace it." in error
    assert (trained / "tokenizer.json").read_bytes() == before
    assert answer(capsys, *words, "--overwrite")["vocabulary_size"] == 270


def test_a_folder_is_not_its_own_output_and_one_in_it_is_no_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text(TEXT)
    words = ("train", folder, "--vocabulary-size", 270, "--output")
    assert "is both the source and the output" in refused(capsys, *words, folder)
    first = answer(capsys, *words, folder / "own")
    assert answer(capsys, *words, folder / "own", "--overwrite") == first


def test_names_with_line_breaks_stay_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    printed = said(capsys, "train", tmp_path / "text.txt", "--vocabulary-size", 270, "--output", tmp_path / "a\nb")
    assert f"is in {tmp_path}/a\\nb. Try it:\n" in printed


def test_one_document_is_one_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    capsys.readouterr()
    words = ("train", tmp_path / "text.txt", "--vocabulary-size", 270, "--output", tmp_path / "own")
    assert main(["tokenizer", *map(str, words)]) == 0
    assert "reading: 1 document in 0 s" in capsys.readouterr().err


def test_what_a_folder_hides_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in" / ".git").mkdir(parents=True)
    (tmp_path / "in" / ".git" / "config").write_text("no")
    (tmp_path / "in" / "a.txt").write_text(TEXT)
    capsys.readouterr()
    words = ["tokenizer", "train", str(tmp_path / "in"), "--vocabulary-size", "270", "--output", str(tmp_path / "own")]
    assert main(words) == 0
    assert f"1 hidden file was left out: {tmp_path}/in/.git\n" in capsys.readouterr().err


def test_train_can_replace_what_is_not_utf8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.txt").write_bytes(b"ab\xff")
    words = ("--vocabulary-size", 257, "--invalid-utf8", "replace", "--output", tmp_path / "own")
    assert answer(capsys, "train", tmp_path / "bad.txt", *words)["vocabulary_size"] == 257


def test_encode_and_decode_refuse_what_cannot_be(
    tmp_path: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "token id 50257 is not in the vocabulary of gpt2" in refused(capsys, "decode", 15496, 50257)
    assert "token id 280 is not in the vocabulary of bpe-280-" in refused(capsys, "decode", 280, "--tokenizer", trained)
    assert "nowhere is not a directory" in refused(capsys, "encode", "text", "--tokenizer", "nowhere")
    (trained / "tokenizer.json").write_text("{")
    assert f"{trained / 'tokenizer.json'} is not JSON" in refused(capsys, "encode", "text", "--tokenizer", trained)
    assert "train, encode or decode" in refused(capsys)


@pytest.mark.parametrize("written", range(4))
def test_a_full_disk_leaves_the_tokenizer_that_was_there(
    trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    """After so many of its four files."""
    directory = trained
    (directory / "weights").write_text("beside it")
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    real, count = os.replace, [0]

    def full(old: object, new: object) -> None:
        count[0] += 1
        if count[0] > written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(old, new)

    monkeypatch.setattr(os, "replace", full)
    words = ("train", directory.parent / "text.txt", "--vocabulary-size", 270, "--output", directory, "--overwrite")
    assert "No space left on device" in refused(capsys, *words)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
    monkeypatch.undo()
    answer(capsys, *words)
    assert Tokenizer.load(directory).vocabulary_size == 270
    assert (directory / "weights").read_text() == "beside it"
