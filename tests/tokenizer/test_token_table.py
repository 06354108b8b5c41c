"""The rows of a vocabulary are its files' content and its engine's answers."""

import json
from pathlib import Path

from gpt25.tokenizer import Tokenizer
from gpt25.tokenizer.byte_alphabet import from_visible
from gpt25.tokenizer.token_table import token_table
from gpt25.tokenizer.vocabulary import Vocabulary


def test_the_rows_are_what_the_ids_decode_to(small: Tokenizer) -> None:
    table = small.table()
    assert len(table.texts) == len(set(table.texts)) == len(table.kinds) == 400
    for identifier, (text, kind) in enumerate(zip(table.texts, table.kinds, strict=True)):
        assert (kind == "special") == (identifier == small.end_of_text_id)
        written = text.encode() if kind == "special" else from_visible(text)
        assert written == small.token_bytes(identifier)


def test_the_rows_are_those_of_the_files(small: Tokenizer, tmp_path: Path) -> None:
    small.save(tmp_path)
    table = small.table()
    assert list(json.loads((tmp_path / "vocab.json").read_text())) == table.texts
    assert (tmp_path / "merges.txt").read_text(encoding="utf-8").splitlines()[1:] == table.merges


def test_gpt2s_rows_are_openais() -> None:
    table = Tokenizer.gpt2().table()
    assert (table.texts[0], table.texts[262], table.texts[-1]) == ("!", "Ġthe", "<|endoftext|>")
    assert (table.merges[0], len(table.merges)) == ("Ġ t", 50_000)


def test_every_kind_has_its_row() -> None:
    ordinary = {bytes([byte]): byte for byte in range(256)} | {b"ab": 258}
    vocabulary = Vocabulary(ordinary=ordinary, special={"<|endoftext|>": 256}, plain={"<user>": 257})
    table = token_table(vocabulary)
    assert table.texts[256:] == ["<|endoftext|>", "<user>", "ab"]
    assert table.kinds[255:] == ["ordinary", "special", "plain", "ordinary"]
    assert table.merges == ["a b"]
