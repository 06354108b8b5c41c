"""What decides the tokens of a preparation, besides the text."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from gpt25.data.shards.shard_format import require_16_bit_vocabulary
from gpt25.data.sources.document import SplitRule
from gpt25.errors import ConfigurationError
from gpt25.tokenizer import SpecialTokens

if TYPE_CHECKING:
    from gpt25.tokenizer import Tokenizer


@dataclass(frozen=True)
class PreparationSettings:
    """Tokenizer, split, shard size and what becomes of special tokens' names in text; checked on construction.

    validation_tokens goes with the split rule "first".
    """

    tokenizer: "Tokenizer"
    validation_fraction: float
    tokens_per_shard: int
    split_rule: SplitRule
    validation_tokens: int | None = None
    special_tokens: SpecialTokens = "text"

    def __post_init__(self) -> None:
        require_16_bit_vocabulary(self.tokenizer.vocabulary_size)
        if not 0 <= self.validation_fraction <= 1:
            raise ConfigurationError(f"validation_fraction must lie between 0 and 1, not {self.validation_fraction}")
        if not 1 <= self.tokens_per_shard < 2**31:  # the header counts in int32
            raise ConfigurationError(
                f"tokens_per_shard must lie between 1 and 2,147,483,647, not {self.tokens_per_shard}"
            )
        if self.special_tokens not in get_args(SpecialTokens):
            raise ConfigurationError(f"special_tokens must be text or parse, not {self.special_tokens!r}")
        if self.validation_tokens is not None and self.validation_tokens < 1:
            raise ConfigurationError(f"validation_tokens must be at least 1, not {self.validation_tokens}")
        if (self.split_rule == "first") != (self.validation_tokens is not None):
            raise ConfigurationError('validation_tokens and the split rule "first" go together')

    @property
    def cut_fraction(self) -> float:
        """The fraction by which documents are split before they are encoded; first tokens are cut off afterwards."""
        return 0.0 if self.split_rule == "first" else self.validation_fraction

    @property
    def chunk_settings(self) -> str:
        """What a finished chunk depends on; the size of shards is not among it."""
        parsed = [] if self.special_tokens == "text" else [self.special_tokens]
        return json.dumps([self.tokenizer.fingerprint, self.cut_fraction, *parsed])

    @property
    def segment_settings(self) -> str:
        """What a finished segment depends on besides its text."""
        return json.dumps([self.chunk_settings, self.split_rule == "position"])
