"""From ranked tokens to the merges that make them: the two ways of writing down the same byte-level BPE.

A merge list says "join a and b" in order of priority. Ranks only say which byte strings are tokens and in which order
they were made, and an engine that has ranks (tiktoken) joins any neighbours whose bytes together are a token. The two
agree on every text exactly when each listed merge is the pair in which its token's own bytes stand after all earlier
merges, which is what training produces. Then the ranks alone determine the list, and `merges_of_ranks` recovers it.
"""

from collections.abc import Sequence

from gpt25.errors import TokenizerError
from gpt25.tokenizer.byte_alphabet import to_visible

Merge = tuple[bytes, bytes]


def merges_of_ranks(tokens: Sequence[bytes]) -> list[Merge]:
    """The merge that makes each token of two or more bytes, in order of rank.

    `tokens`: distinct byte strings, highest priority first; every single byte they use is among them.
    Raises TokenizerError naming the first token that no merge of two earlier ones can make.

        merges_of_ranks([b"a", b"b", b"c", b"bc", b"abc"]) -> [(b"b", b"c"), (b"a", b"bc")]
    """
    ranks = {token: rank for rank, token in enumerate(tokens)}
    parents: dict[bytes, Merge] = {}
    for rank, token in enumerate(tokens):
        if len(token) == 1:
            continue
        for cut in range(1, len(token)):
            left, right = token[:cut], token[cut:]
            if (
                ranks.get(left, rank) < rank
                and ranks.get(right, rank) < rank
                and stay_apart(left, right, ranks, parents)
            ):
                parents[token] = (left, right)
                break
        else:
            raise TokenizerError(
                f"token {to_visible(token)!r} of rank {rank} cannot be made by joining two tokens of lower rank, "
                "so this is not a byte-pair encoding. Check that the file is complete."
            )
    return list(parents.values())


def stay_apart(left: bytes, right: bytes, ranks: dict[bytes, int], parents: dict[bytes, Merge]) -> bool:
    """Whether the bytes of `left` followed by those of `right` are merged into just these two tokens.

    `ranks` and `parents` hold all tokens that precede the one which the two make.

    Only a merge across their border could prevent it. Undoing the merges on both sides from the latest to the earliest
    visits every pair of tokens that ever meets at the border; such a pair lasts until the merge undone last.
    """
    while len(left) > 1 or len(right) > 1:
        # One merge applies from left to right, so of two equal tokens the right one was made later.
        undo_right = len(left) == 1 or (len(right) > 1 and ranks[right] >= ranks[left])
        if undo_right:
            until = ranks[right]
            right = parents[right][0]
        else:
            until = ranks[left]
            left = parents[left][1]
        joined = ranks.get(left + right)
        # For the same reason ("a a a" becomes "aa a") the border falls to the very merge that would make the right side
        # ("a" + "aa"), but not to the one that makes the left side ("aa" + "a").
        if joined is not None and (joined < until or (undo_right and joined == until)):
            return False
    return True
