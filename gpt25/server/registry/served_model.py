"""One model of a server."""

import hashlib
import time
from dataclasses import dataclass, field

from gpt25.generation.engine import Engine
from gpt25.model import GPTModel
from gpt25.records import RunDirectory
from gpt25.tokenizer import Tokenizer


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A model with all that answering needs."""

    name: str
    model: GPTModel
    tokenizer: Tokenizer
    engine: Engine
    how: str
    """Precision, device and why, for people."""
    fingerprint: str
    """Changes when the same seed may give another text."""
    longest_token_bytes: int
    """Bytes of the token that spells most of them, by which a text that cannot fit is known without its tokens."""
    run: RunDirectory | None = None
    """The run that the model comes from, where it comes from one."""
    created: int = field(default_factory=lambda: int(time.time()))
    """Seconds since 1970 when it was loaded."""

    @property
    def block_size(self) -> int:
        """Most tokens that the model reads."""
        return self.model.configuration.block_size


def fingerprint_of(*parts: object) -> str:
    """A short name for the circumstances under which a seed gives the same text."""
    return "fp_" + hashlib.sha256(repr(parts).encode()).hexdigest()[:10]
