import random

import pytest

from gpt25.generation import TextAssembler

CHARACTERS = ["a", "b", "ab", "\n", "é", "ß", "€", "한", "🙂", "🧑‍🚀", "\x00", "\ufeff", "\ufffd"]
BROKEN = [b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x99", b"\x80", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"]


def random_bytes(chance: random.Random) -> bytes:
    parts = [chance.choice(BROKEN) if chance.random() < 0.3 else chance.choice(CHARACTERS).encode() for _ in range(12)]
    return b"".join(parts)


def cut(content: bytes, chance: random.Random) -> list[bytes]:
    """The content in pieces of 0 to 5 bytes, as tokens would bring it."""
    pieces, place = [], 0
    while place < len(content):
        length = chance.randint(0, 5)
        pieces.append(content[place : place + length])
        place += length
    return pieces


def assembled(pieces: list[bytes], stop: tuple[str, ...]) -> tuple[str, bool]:
    assembler = TextAssembler(stop=stop)
    text = "".join([assembler.add(piece) for piece in pieces]) + assembler.finish()
    return text, assembler.stopped


def before_first_stop(text: str, stop: tuple[str, ...]) -> tuple[str, bool]:
    """The definition, one character at a time."""
    for end in range(len(text) + 1):
        ending = [string for string in stop if text[:end].endswith(string)]
        if ending:
            return text[: end - max(map(len, ending))], True
    return text, False


def test_pieces_join_to_what_decoding_the_whole_gives() -> None:
    chance = random.Random(1)
    for _ in range(1000):
        content = random_bytes(chance)
        assert assembled(cut(content, chance), ()) == (content.decode("utf-8", "replace"), False)


def test_the_text_ends_before_the_first_stop_string_however_the_bytes_are_cut() -> None:
    chance = random.Random(2)
    alphabet = ["a", "b", "aa", "ab", "aba", "é", "a🙂", "\n\n", "\ufffd", "b\ufffd"]
    stopped = 0
    for _ in range(2000):
        content = random_bytes(chance)
        stop = tuple(chance.sample(alphabet, chance.randint(1, 3)))
        expected = before_first_stop(content.decode("utf-8", "replace"), stop)
        assert assembled(cut(content, chance), stop) == expected, (content, stop)
        stopped += expected[1]
    assert 500 < stopped < 2000, "both endings must occur for this test to say anything"


def test_a_split_character_is_held_back_until_it_is_whole() -> None:
    assembler = TextAssembler()
    assert [assembler.add(bytes([byte])) for byte in "é🙂".encode()] == ["", "é", "", "", "", "🙂"]


def test_a_character_that_never_ends_becomes_a_replacement_character() -> None:
    assembler = TextAssembler()
    assert assembler.add(b"caf\xc3") == "caf"
    assert assembler.finish() == "\ufffd"


def test_the_beginning_of_a_stop_string_is_held_back_until_it_is_decided() -> None:
    assembler = TextAssembler(stop=["\nUser:"])
    assert assembler.add(b"Yes.\nUs") == "Yes."
    assert assembler.add(b"e it") == "\nUse it"
    assert assembler.add(b"\nUser") == ""
    assert assembler.add(b": hello") == ""
    assert assembler.stopped
    assert assembler.add(b"more") == ""
    assert assembler.finish() == ""


def test_text_held_for_a_stop_string_that_never_came_is_given_at_the_end() -> None:
    assembler = TextAssembler(stop=["END"])
    assert assembler.add(b"the EN") == "the "
    assert assembler.finish() == "EN"
    assert not assembler.stopped


def test_only_the_longest_possible_beginning_is_held_back() -> None:
    assembler = TextAssembler(stop=["aab"])
    assert assembler.add(b"aaaaa") == "aaa"


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (("b", "a b c"), "x a "),  # "b" is complete before "a b c" is
        (("b", "a b"), "x "),  # both are complete at once: the longer one
    ],
)
def test_of_several_stop_strings_the_one_completed_first_counts(stop: tuple[str, ...], expected: str) -> None:
    assert assembled([b"x a b c"], stop) == (expected, True)
    assert assembled([bytes([byte]) for byte in b"x a b c"], stop) == (expected, True)
