import pickle
import random
import time
from pathlib import Path

import numpy as np
import pytest
import tokenizers

from gpt25.errors import TokenizerError
from gpt25.tokenizer import Tokenizer


@pytest.fixture(scope="module", params=["gpt2", "small"])
def tokenizer(request: pytest.FixtureRequest, small: Tokenizer) -> Tokenizer:
    return Tokenizer.gpt2() if request.param == "gpt2" else small


def test_every_text_comes_back_unchanged(tokenizer: Tokenizer, many_texts: list[str]) -> None:
    for text in many_texts:
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_no_text_gives_the_end_of_text_id(tokenizer: Tokenizer, many_texts: list[str]) -> None:
    for text in many_texts:
        assert tokenizer.end_of_text_id not in tokenizer.encode(text)
        assert tokenizer.end_of_text_id not in tokenizer.encode_bytes(text.encode() + b"\xff")
    assert tokenizer.decode([tokenizer.end_of_text_id]) == "<|endoftext|>"


def test_names_of_special_tokens_are_parsed_where_that_is_asked_for(tmp_path: Path) -> None:
    gpt2 = Tokenizer.gpt2()
    text = "Hello<|endoftext|> world<|endoftext|>"
    twin = transformers_twin(gpt2, tmp_path)
    assert gpt2.encode(text, special_tokens="parse") == twin == [15496, 50256, 995, 50256]
    assert gpt2.encode_bytes(text.encode() + b"\xff", special_tokens="parse")[:4] == twin
    assert gpt2.encode_batch([text] * 2, 2, special_tokens="parse") == [twin] * 2
    assert 50256 not in gpt2.encode(text)
    assert (gpt2.special_names_in(text), gpt2.special_names_in("<|endoftext |>")) == (2, 0)
    with pytest.raises(TokenizerError, match="special_tokens is 'all'; it must be text or parse"):
        gpt2.encode(text, special_tokens="all")  # type: ignore[arg-type]


def transformers_twin(tokenizer: Tokenizer, directory: Path) -> list[int]:
    """The ids of the `tokenizers` library, which parses special tokens as `transformers` does."""
    tokenizer.save(directory)
    engine = tokenizers.Tokenizer.from_file(str(directory / "tokenizer.json"))
    return engine.encode("Hello<|endoftext|> world<|endoftext|>", add_special_tokens=False).ids


def test_bytes_of_text_get_the_ids_of_the_text(tokenizer: Tokenizer, hostile_texts: list[str]) -> None:
    for text in hostile_texts:
        assert tokenizer.encode_bytes(text.encode("utf-8")) == tokenizer.encode(text)


def test_any_bytes_come_back_unchanged(tokenizer: Tokenizer) -> None:
    source = random.Random(2)
    hostile = [
        bytes(range(256)),
        b"\xf0\x9f",
        b"caf\xe9 au lait",
        b"\xed\xa0\x80",
        b"\xc0\x80",
        b"ok\xff\xfe\x00ok\x80",
    ]
    hostile += [source.randbytes(source.randrange(40)) for _ in range(500)]
    hostile += ["wörld 👩‍👧".encode()[: source.randrange(18)] for _ in range(30)]
    for content in hostile:
        assert tokenizer.decode_bytes(tokenizer.encode_bytes(content)) == content


def test_each_invalid_byte_is_a_token_of_its_own_between_valid_stretches() -> None:
    tokenizer = Tokenizer.gpt2()
    single = {tokenizer.token_bytes(identifier): identifier for identifier in range(256)}
    expected = [*tokenizer.encode("hello world"), single[b"\xff"], single[b"\xf0"], *tokenizer.encode(" again")]
    assert tokenizer.encode_bytes(b"hello world\xff\xf0 again") == expected


def test_decoding_replaces_what_is_not_utf8() -> None:
    tokenizer = Tokenizer.gpt2()
    assert tokenizer.decode(tokenizer.encode_bytes(b"a\xffb\xf0\x9f")) == "a\ufffdb\ufffd"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ab\ud800c", r"lone surrogate U\+D800 at character 2, which is half a character .* Take it out"),
        ("x" * 1234 + "\udcff", r"the byte 0xff at character 1,234, which is not UTF-8 there\. Write it in UTF-8"),
    ],
)
def test_a_lone_surrogate_is_refused_with_its_place_and_what_to_do(text: str, message: str) -> None:
    with pytest.raises(TokenizerError, match=message):
        Tokenizer.gpt2().encode(text)


@pytest.mark.parametrize("wrong", [-1, 50257, 2**40, -(2**70)])
def test_an_id_out_of_range_is_refused_with_the_range(wrong: int) -> None:
    message = rf"token id {wrong} is not in the vocabulary of gpt2, whose ids go from 0 to 50,256\. Check that"
    with pytest.raises(TokenizerError, match=message):
        Tokenizer.gpt2().decode([0, wrong, 1])
    with pytest.raises(TokenizerError, match=message):
        Tokenizer.gpt2().token_bytes(wrong)


@pytest.mark.parametrize("wrong", [5, ["5"], [1.0], [[1, 2]], [None], "12", np.ones((2, 2), dtype=np.int64)])
def test_what_is_no_sequence_of_whole_numbers_is_refused(wrong: object) -> None:
    with pytest.raises(TokenizerError, match="token ids must be a flat sequence of whole numbers"):
        Tokenizer.gpt2().decode(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [list, tuple, iter, lambda ids: np.array(ids, dtype=np.uint16)])
def test_ids_may_come_in_any_sequence(kind: object) -> None:
    assert Tokenizer.gpt2().decode(kind([15496, 995])) == "Hello world"  # type: ignore[operator]
    assert Tokenizer.gpt2().decode(kind([])) == ""  # type: ignore[operator]


@pytest.mark.parametrize("number_of_threads", [1, 3])
def test_a_batch_is_encoded_text_by_text_in_order(
    tokenizer: Tokenizer, hostile_texts: list[str], number_of_threads: int
) -> None:
    expected = [tokenizer.encode(text) for text in hostile_texts]
    assert tokenizer.encode_batch(hostile_texts, number_of_threads=number_of_threads) == expected
    assert tokenizer.encode_batch([], number_of_threads=number_of_threads) == []


def test_a_pickled_copy_is_the_same(tokenizer: Tokenizer) -> None:
    copy = pickle.loads(pickle.dumps(tokenizer))
    assert copy.fingerprint == tokenizer.fingerprint
    assert copy.encode("Hello, wörld!") == tokenizer.encode("Hello, wörld!")


def test_gpt2_is_pickled_by_name_for_workers() -> None:
    assert len(pickle.dumps(Tokenizer.gpt2())) < 200


def seconds_to_encode(text: str) -> float:
    start = time.process_time()
    ids = Tokenizer.gpt2().encode(text)
    seconds = time.process_time() - start
    assert Tokenizer.gpt2().decode(ids) == text
    return seconds


@pytest.mark.parametrize("unit", ["a", "é", "!", " ", "\n", "ab", "日"])
def test_a_megabyte_without_a_break_takes_linear_time(unit: str) -> None:
    # The "x" decides how a run of white space is split: tiktoken's own pattern panics there.
    short, long = (unit * (size // len(unit.encode())) + "x" for size in (125_000, 1_000_000))
    # Eight times the text: linear time is about 8 times as long, quadratic 64. A busy machine may spoil one attempt.
    assert any(seconds_to_encode(long) < 30 * max(seconds_to_encode(short), 0.005) for _ in range(3))
