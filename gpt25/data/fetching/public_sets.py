"""The public data sets of GPT-2's tokens that can be fetched by name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TokenRows:
    """How shards are made of files of JSON lines, a document's ids each: of many stretches from all over the set.

    A stretch has `bytes_per_token` bytes for every token that is wanted of it, which is more than they take.
    """

    pattern: str
    """Of the files' names; its first group is the file's number."""
    stretches_per_shard: int
    bytes_per_token: int
    usual_bytes_per_token: float
    """What one takes on average: so much of a stretch is asked for at first."""


@dataclass(frozen=True)
class PublicSet:
    """A data set of the Hub; its shards are PREFIX_val_000000.bin and PREFIX_train_000001.bin, …."""

    repository: str
    prefix: str
    licence: str
    rows: TokenRows | None = None
    """None where the Hub has the shards themselves."""
    tokens_per_shard: int = 100_000_000

    @property
    def source(self) -> str:
        """How an index names it."""
        return f"hf://datasets/{self.repository}"

    @property
    def bytes_per_shard(self) -> int:
        """On the disk: 16 bits a token."""
        return 2 * self.tokens_per_shard

    @property
    def download_bytes_per_shard(self) -> int:
        """Through the network, about."""
        return (
            self.bytes_per_shard if self.rows is None else int(self.tokens_per_shard * self.rows.usual_bytes_per_token)
        )


PUBLIC_SETS = {
    "fineweb10B": PublicSet("kjj0/fineweb10B-gpt2", "fineweb", "ODC-By 1.0, of FineWeb"),
    "finewebedu10B": PublicSet("kjj0/finewebedu10B-gpt2", "finewebedu", "ODC-By 1.0, of FineWeb-Edu"),
    "climbmix": PublicSet(
        "nvidia/Nemotron-ClimbMix",
        "climbmix",
        "CC BY-NC 4.0: not for commercial use",
        # 1,987,970,304,099 bytes and 356,864,528,972 tokens are 5.57 bytes a token; an id has up to five digits, a
        # comma and a space behind it, so that 7 are the most. A stretch of two million tokens is 14 MB long.
        TokenRows(
            r"part_(\d+)\.tokenized\.jsonl", stretches_per_shard=50, bytes_per_token=7, usual_bytes_per_token=5.75
        ),
    ),
}
"""Source of the first two: KellerJordan/modded-nanogpt, data/cached_fineweb10B.py and cached_finewebedu10B.py. Of
ClimbMix: its card, and a published scan of commit 5eaa64b9 that counted its documents, tokens and bytes."""
