"""The public data sets of GPT-2's tokens that can be fetched by name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PublicSet:
    """A data set of the Hub; its shards are PREFIX_val_000000.bin and PREFIX_train_000001.bin, …."""

    repository: str
    prefix: str
    tokens_per_shard: int = 100_000_000

    @property
    def source(self) -> str:
        """How an index names it."""
        return f"hf://datasets/{self.repository}"


PUBLIC_SETS = {
    "fineweb10B": PublicSet("kjj0/fineweb10B-gpt2", "fineweb"),
    "finewebedu10B": PublicSet("kjj0/finewebedu10B-gpt2", "finewebedu"),
}
"""Source of the names: KellerJordan/modded-nanogpt, data/cached_fineweb10B.py and data/cached_finewebedu10B.py."""
