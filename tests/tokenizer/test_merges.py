import itertools
import random

import pytest
import tiktoken
import tokenizers

from gpt25.errors import TokenizerError
from gpt25.tokenizer.byte_alphabet import BYTES_IN_GPT2_ORDER, from_visible, to_visible
from gpt25.tokenizer.merges import merges_of_ranks
from gpt25.tokenizer.vocabulary import ordinary_tokens

Merges = list[tuple[bytes, bytes]]
SINGLES = [bytes([byte]) for byte in BYTES_IN_GPT2_ORDER]
EVERY_SHORT_STRING = ["".join(letters) for length in range(1, 9) for letters in itertools.product("ab", repeat=length)]


def apply(merge: tuple[bytes, bytes], parts: list[bytes]) -> list[bytes]:
    """One merge by its definition: wherever the pair stands, from left to right."""
    merged, place = [], 0
    while place < len(parts):
        if tuple(parts[place : place + 2]) == merge:
            merged.append(parts[place] + parts[place + 1])
            place += 2
        else:
            merged.append(parts[place])
            place += 1
    return merged


def by_definition(merges: Merges, text: str) -> list[bytes]:
    parts = [bytes([byte]) for byte in text.encode()]
    for merge in merges:
        parts = apply(merge, parts)
    return parts


def learned_merges(source: random.Random, count: int) -> Merges:
    """A merge list as training makes it, only with the pair chosen by chance from those that occur in some words."""
    words = [[bytes([byte]) for byte in source.choices(b"aabc", k=source.randrange(2, 30))] for _ in range(20)]
    merges: Merges = []
    for _ in range(count):
        pairs = sorted({pair for word in words for pair in itertools.pairwise(word)})
        if not pairs:
            break
        merges.append(source.choice(pairs))
        words = [apply(merges[-1], word) for word in words]
    return merges


def put_together(source: random.Random, count: int) -> Merges:
    """A merge list as nobody should make it: any two tokens there are, joined."""
    tokens, merges = [b"a", b"b"], []
    while len(merges) < count:
        pair = (source.choice(tokens), source.choice(tokens))
        if pair[0] + pair[1] not in tokens:
            merges.append(pair)
            tokens.append(pair[0] + pair[1])
    return merges


def by_rank(merges: Merges) -> tiktoken.Encoding:
    tokens = [*SINGLES, *(left + right for left, right in merges)]
    ranks = {token: rank for rank, token in enumerate(tokens)}
    return tiktoken.Encoding("ranks", pat_str=r"(?s).+", mergeable_ranks=ranks, special_tokens={})


def by_list(merges: Merges) -> tokenizers.Tokenizer:
    """The other engine; it works on the visible alphabet, which for letters is the same."""
    tokens = [*SINGLES, *(left + right for left, right in merges)]
    vocabulary = {to_visible(token): rank for rank, token in enumerate(tokens)}
    visible = [(to_visible(left), to_visible(right)) for left, right in merges]
    return tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=visible))


def identifiers_and_merges(merges: Merges) -> tuple[dict[str, int], list[tuple[str, str]]]:
    tokens = [*SINGLES, *(left + right for left, right in merges)]
    visible = [(to_visible(left), to_visible(right)) for left, right in merges]
    return {to_visible(token): rank for rank, token in enumerate(tokens)}, visible


def is_accepted(merges: Merges) -> bool:
    try:
        ordinary_tokens(*identifiers_and_merges(merges))
    except TokenizerError:
        return False
    return True


@pytest.mark.parametrize("seed", range(30))
def test_ranks_give_back_learned_merges_and_both_engines_agree(seed: int) -> None:
    source = random.Random(seed)
    merges = learned_merges(source, count=60)
    tokens = [*SINGLES, *(left + right for left, right in merges)]
    assert len(set(tokens)) == len(tokens), "training never makes a token twice"
    assert merges_of_ranks(tokens) == merges
    assert list(ordinary_tokens(*identifiers_and_merges(merges))) == tokens
    ranks, listed = by_rank(merges), by_list(merges)
    for _ in range(200):
        text = "".join(source.choices("aabc", k=source.randrange(1, 40)))
        expected = by_definition(merges, text)
        assert ranks.decode_tokens_bytes(ranks.encode_ordinary(text)) == expected
        assert listed.encode(text).ids == ranks.encode_ordinary(text)


def test_a_list_is_accepted_only_if_both_engines_agree_on_every_string() -> None:
    """Exhaustive over all strings of up to eight letters: what passes the check is safe, and the check is needed."""
    accepted = refused_and_different = 0
    for seed in range(150):
        merges = put_together(random.Random(seed), count=4)
        ranks, listed = by_rank(merges), by_list(merges)
        agree = all(listed.encode(text).ids == ranks.encode_ordinary(text) for text in EVERY_SHORT_STRING)
        if is_accepted(merges):
            assert agree, merges
            accepted += 1
        else:
            refused_and_different += not agree
    assert accepted > 20
    assert refused_and_different > 20


def test_a_second_way_to_the_same_token_changes_nothing() -> None:
    identifiers, merges = identifiers_and_merges([(b"b", b"c"), (b"a", b"bc"), (b"a", b"b")])
    twice = [*merges[:2], ("ab", "c"), merges[2]]
    with pytest.raises(
        TokenizerError, match=r"merge 3 \('ab', 'c'\) joins what is neither a byte nor made by an earlier"
    ):
        ordinary_tokens(identifiers, twice)
    assert ordinary_tokens(identifiers, [*merges, ("ab", "c")]) == ordinary_tokens(identifiers, merges)


def test_a_merge_that_never_applies_is_refused_with_its_number() -> None:
    identifiers, merges = identifiers_and_merges([(b"b", b"c"), (b"a", b"b"), (b"ab", b"c")])
    with pytest.raises(
        TokenizerError, match=r"merge 3 \('ab', 'c'\) can never apply, since earlier merges join its bytes"
    ):
        ordinary_tokens(identifiers, merges)


def test_a_merge_of_an_unknown_token_is_refused_with_the_token() -> None:
    identifiers, _ = identifiers_and_merges([(b"a", b"b")])
    for merge, unknown in ((("a", "c"), "ac"), (("xyz", "a"), "xyz"), (("a", "xyz"), "xyz")):
        with pytest.raises(
            TokenizerError, match=rf"merge 1 \('{merge[0]}', '{merge[1]}'\) needs the unknown token '{unknown}'"
        ):
            ordinary_tokens(identifiers, [merge])


def test_a_merge_of_what_is_no_character_is_refused_like_any_other() -> None:
    identifiers, _ = identifiers_and_merges([(b"a", b"b")])
    with pytest.raises(TokenizerError, match=r"merge 1 \('a', '\\ud800'\) needs the unknown token '\\ud800'"):
        ordinary_tokens(identifiers, [("a", "\ud800")])


def test_ranks_that_no_merges_make_are_refused_with_the_token() -> None:
    message = r"token 'abc' of rank 3 cannot be made by joining two tokens of lower rank.*file is complete"
    with pytest.raises(TokenizerError, match=message):
        merges_of_ranks([b"a", b"b", b"c", b"abc"])


def test_runs_of_one_letter_are_split_from_the_left() -> None:
    assert merges_of_ranks([b"a", b"aa", b"aaa", b"aaaa"]) == [(b"a", b"a"), (b"aa", b"a"), (b"aa", b"aa")]


def test_the_alphabet_is_one_printable_character_for_each_byte() -> None:
    visible = [to_visible(single) for single in SINGLES]
    assert len(set(visible)) == 256
    assert all(len(character) == 1 and character.isprintable() and character != " " for character in visible)
    assert [from_visible(character) for character in visible] == SINGLES
    assert sorted(visible) == visible, "GPT-2 numbers the bytes in the order of these characters"
    assert (to_visible(b" the\n"), from_visible("Ġthe"), from_visible("日")) == ("ĠtheĊ", b" the", None)
