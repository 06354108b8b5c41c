"""summary.json: what a run wants remembered for its report, beside what metrics.jsonl already tells."""

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpt25.storage import read_record
from gpt25.storage.reading.field_types import Amount, Count

_ADVICE = " Delete the file; the next save of the run writes it anew."


@dataclass(frozen=True)
class Summary:
    """The result of a run in figures. Everything but the title may be absent: None means "not measured"."""

    title: str
    """What was trained, for a headline: "GPT-2 on Python's standard library"."""
    finished: bool = False
    """Whether the run reached its last update."""
    model_parameters: Count | None = None
    """Number of weights, the tied head counted once."""
    training_operations_per_token: Count | None = None
    """Floating-point operations of one training token, forward and backward, as `gpt25 show` and `plan` count them."""
    tokens: Count | None = None
    """Training tokens seen."""
    training_seconds: Amount | None = None
    """Time spent training, without pauses."""
    validation_loss: Amount | None = None
    """Mean cross-entropy on the validation tokens that training measures on the way, in nats per token."""
    held_out_loss: Amount | None = None
    """The same on all of the held-out text, each token after at least half a block of what stands before it."""
    held_out_tokens: Count | None = None
    """How many tokens all of the held-out text has."""
    bits_per_byte: Amount | None = None
    """`held_out_loss` in bits, per UTF-8 byte of the held-out text: comparable between tokenizers and compressors."""
    held_out_bytes: Count | None = None
    """Size of the held-out text."""
    compressors: dict[str, Amount] = field(default_factory=dict)
    """Bits per byte that compressors reach on the same bytes: {"gzip -9": 2.31}."""
    next_commands: list[str] = field(default_factory=list)
    """Commands worth typing next, complete and ready to paste."""

    def as_json(self) -> dict[str, Any]:
        """The object that summary.json holds; a figure that is not finite becomes null."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def read(cls, path: str | Path) -> "Summary":
        """What a summary.json says; raises StorageError, or CorruptFileError naming the first field that cannot be.

        Figures that only a later release knows are passed over.
        """
        return read_record(path, cls, more_keys="ignored", advice=_ADVICE)
