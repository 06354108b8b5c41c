import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import tokenizers

from gpt25.errors import DataError, TokenizerError
from gpt25.tokenizer import Tokenizer, training


def test_the_last_id_is_the_end_of_text_and_the_first_are_the_bytes(small: Tokenizer) -> None:
    assert (small.vocabulary_size, small.end_of_text_id) == (400, 399)
    assert small.token_bytes(399) == b"<|endoftext|>"
    assert sorted(small.token_bytes(identifier) for identifier in range(256)) == [bytes([byte]) for byte in range(256)]
    assert len({small.token_bytes(identifier) for identifier in range(400)}) == 400


def test_the_name_tells_size_and_fingerprint(small: Tokenizer) -> None:
    assert small.name == f"bpe-400-{small.fingerprint[:8]}"
    assert len(small.fingerprint) == 64


def test_learned_tokens_shorten_the_corpus(small: Tokenizer, corpus: list[str]) -> None:
    for document in corpus:
        assert len(small.encode(document)) < len(document.encode()) / 2


def test_the_engine_that_learned_gives_the_same_ids(small: Tokenizer, many_texts: list[str], tmp_path: Path) -> None:
    small.save(tmp_path)
    oracle = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    oracle.encode_special_tokens = True  # the name of a special token in a text is text
    for text in many_texts:
        assert oracle.encode(text).ids == small.encode(text), text


def test_the_same_documents_give_the_same_vocabulary(small: Tokenizer, corpus: list[str]) -> None:
    assert Tokenizer.train(iter(corpus), vocabulary_size=400).fingerprint == small.fingerprint
    assert Tokenizer.train(corpus[:2], vocabulary_size=300).fingerprint != small.fingerprint


def test_a_long_document_is_cut_where_no_merge_is_lost(corpus: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    prose = corpus[0] + corpus[1]
    assert len(prose) < training._LONGEST_CHUNK_IN_CHARACTERS
    whole = Tokenizer.train([prose], vocabulary_size=300)
    monkeypatch.setattr(training, "_LONGEST_CHUNK_IN_CHARACTERS", 64)
    chunks = list(training._chunks(prose))
    assert max(map(len, chunks)) <= 64
    assert "".join(chunks) == prose
    assert Tokenizer.train([prose], vocabulary_size=300).fingerprint == whole.fingerprint


@pytest.mark.parametrize("unit", ["a", " ", "ab", "日"])
def test_a_document_without_a_break_is_learned_in_linear_time(unit: str) -> None:
    start = time.process_time()
    tokenizer = Tokenizer.train([unit * (1_000_000 // len(unit)) + "x"], vocabulary_size=260)
    # A fifth of a second; uncut it is 16² = 256 times the 5 seconds that 64,000 characters take.
    assert time.process_time() - start < 15
    assert tokenizer.vocabulary_size == 260


def test_no_token_grows_beyond_the_longest() -> None:
    tokenizer = Tokenizer.train(["a" * 4096], vocabulary_size=256 + 6 + 1)
    assert len(tokenizer.token_bytes(261)) == 2**6
    with pytest.raises(TokenizerError, match="at most, not 266"):  # 2**9 bytes would be the next but two
        Tokenizer.train(["a" * 4096], vocabulary_size=256 + 9 + 1)
    assert training.LONGEST_TOKEN_IN_BYTES == 2**7


@pytest.mark.parametrize("documents", [[], [""], ["abc"]])
def test_without_merges_there_are_257_tokens(documents: list[str]) -> None:
    tokenizer = Tokenizer.train(documents, vocabulary_size=257)
    assert tokenizer.decode(tokenizer.encode("any text")) == "any text"
    assert tokenizer.end_of_text_id == 256


@pytest.mark.parametrize("documents", [[], ["", ""]])
def test_no_text_is_told_as_such(documents: list[str]) -> None:
    with pytest.raises(TokenizerError, match="there is no text to learn a vocabulary from"):
        Tokenizer.train(documents, vocabulary_size=300)


def test_too_little_text_for_the_size_is_refused_with_the_largest_size() -> None:
    message = r"yield a vocabulary of 258 at most, not 1,000: no other pair occurs 2 times\. Give more text or ask"
    with pytest.raises(TokenizerError, match=message):
        Tokenizer.train(["ab ab"], vocabulary_size=1000)
    assert Tokenizer.train(["ab ab"], vocabulary_size=258).encode("ab") == [256]


@pytest.mark.parametrize(("size", "shown"), [(-1, "-1"), (256, "256"), (10**12, "1,000,000,000,000")])
def test_a_size_out_of_range_is_refused_with_the_range(size: int, shown: str) -> None:
    with pytest.raises(TokenizerError, match=rf"vocabulary_size is {shown}; it must be from 257 .* to 1,048,576"):
        Tokenizer.train(["abc"], vocabulary_size=size)


def test_a_lone_surrogate_is_refused_with_document_and_place() -> None:
    with pytest.raises(TokenizerError, match=r"document 2 has the lone surrogate U\+DC00 at character 3, which"):
        Tokenizer.train(["fine", "bad\udc00"], vocabulary_size=257)


def test_what_the_documents_raise_reaches_the_caller() -> None:
    def documents() -> Iterator[str]:
        yield "fine"
        raise DataError("the second file is damaged")

    with pytest.raises(DataError, match="the second file is damaged"):
        Tokenizer.train(documents(), vocabulary_size=300)


def test_progress_counts_the_documents(corpus: list[str]) -> None:
    done: list[int] = []
    Tokenizer.train(corpus, vocabulary_size=300, progress=done.append)
    assert sum(done) == len(corpus)
