import gzip
import hashlib
import json
from pathlib import Path

import pytest
import tiktoken
from tiktoken_ext.openai_public import r50k_pat_str

from gpt25.errors import CorruptFileError, TokenizerError
from gpt25.tokenizer import END_OF_TEXT, Tokenizer, gpt2

FACTS = json.loads(Path(__file__).with_name("gpt2_facts.json").read_text())["facts"]


@pytest.mark.parametrize("fact", FACTS, ids=[str(number) for number in range(len(FACTS))])
def test_other_implementations_give_the_same_ids(fact: dict) -> None:
    assert Tokenizer.gpt2().encode(fact["text"]) == fact["ids"]
    assert Tokenizer.gpt2().decode(fact["ids"]) == fact["text"]


def test_sizes_and_ends_are_those_of_the_paper() -> None:
    tokenizer = Tokenizer.gpt2()
    assert (tokenizer.vocabulary_size, tokenizer.end_of_text_id, tokenizer.name) == (50257, 50256, "gpt2")
    assert tokenizer.special_tokens == {END_OF_TEXT: 50256}
    assert tokenizer.token_bytes(0) == b"!"
    assert tokenizer.token_bytes(220) == b" "
    assert tokenizer.token_bytes(50256) == b"<|endoftext|>"
    assert repr(tokenizer) == "<Tokenizer gpt2: 50,257 tokens>"


def test_saved_files_are_those_that_openai_published(tmp_path: Path) -> None:
    Tokenizer.gpt2().save(tmp_path)
    hashes = {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("vocab.json", "merges.txt")}
    assert hashes == {
        "vocab.json": "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
        "merges.txt": "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
    }


def test_encodes_every_hostile_text_as_tiktoken_itself_does(many_texts: list[str]) -> None:
    ranks = {Tokenizer.gpt2().token_bytes(identifier): identifier for identifier in range(50256)}
    oracle = tiktoken.Encoding("oracle", pat_str=r50k_pat_str, mergeable_ranks=ranks, special_tokens={})
    for text in many_texts:
        assert Tokenizer.gpt2().encode(text) == oracle.encode_ordinary(text), text


def test_is_made_once() -> None:
    assert Tokenizer.gpt2() is Tokenizer.gpt2()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not gzip", r"cannot be read: Not a gzipped file .*Reinstall gpt25"),
        (gzip.compress(b"IQ== 0\n"), r"holds SHA-256 [0-9a-f]{64}, expected 306cd27f.*Reinstall gpt25"),
        (gzip.compress(b"IQ== 0\n" * 1000)[:30], r"cannot be read: Compressed file ended"),
    ],
    ids=["no gzip", "another file", "cut short"],  # the bytes hold the time, which differs between workers
)
def test_a_damaged_package_file_is_named(
    content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "gpt2.tiktoken.gz"
    path.write_bytes(content)
    monkeypatch.setattr(gpt2, "RANKS_PATH", path)
    with pytest.raises(CorruptFileError, match=f"{path} {message}"):
        gpt2.gpt2_vocabulary()


def test_the_licences_travel_with_the_vocabulary() -> None:
    notice = gpt2.RANKS_PATH.with_name("LICENSE-gpt2-vocabulary.md").read_text(encoding="utf-8")
    assert gpt2.RANKS_SHA256 in notice
    assert "Copyright (c) 2022 OpenAI" in notice
    assert "Software Copyright (c) 2019 OpenAI" in notice


def test_openais_merges_are_recognised_and_all_others_proven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Tokenizer.gpt2().save(tmp_path)
    monkeypatch.setattr("gpt25.tokenizer.vocabulary.stay_apart", lambda *_: False)
    assert Tokenizer.load(tmp_path).fingerprint == gpt2.GPT2_FINGERPRINT
    path = tmp_path / "tokenizer.json"
    content = json.loads(path.read_text())
    content["model"]["merges"][-2:] = reversed(content["model"]["merges"][-2:])
    path.write_text(json.dumps(content))
    with pytest.raises(TokenizerError, match=r"merge 1 \('Ġ', 't'\) can never apply"):
        Tokenizer.load(tmp_path)
