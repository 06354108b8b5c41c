"""summary.json: what a run wants remembered for its report, beside what metrics.jsonl already tells."""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

from gpt25.errors import CorruptFileError


@dataclass(frozen=True)
class Summary:
    """The result of a run in figures. Everything but the title may be absent: None means "not measured"."""

    title: str
    """What was trained, for a headline: "GPT-2 on Python's standard library"."""
    finished: bool = False
    """Whether the run reached its last update."""
    model_parameters: int | None = None
    """Number of weights, the tied head counted once."""
    training_operations_per_token: int | None = None
    """Floating-point operations of one training token, forward and backward, as `gpt25 show` and `plan` count them."""
    tokens: int | None = None
    """Training tokens seen."""
    training_seconds: float | None = None
    """Time spent training, without pauses."""
    validation_loss: float | None = None
    """Mean cross-entropy on the held-out text, in nats per token."""
    bits_per_byte: float | None = None
    """The same loss in bits, per UTF-8 byte of the held-out text: comparable between tokenizers and compressors."""
    held_out_bytes: int | None = None
    """Size of the held-out text."""
    compressors: dict[str, float] = field(default_factory=dict)
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
    def from_json(cls, content: Any, *, source: str) -> "Summary":
        """Check an object read from `source`; raises CorruptFileError naming the first field that cannot be."""
        if not isinstance(content, dict):
            raise CorruptFileError(f"{source} holds a {type(content).__name__}, not an object")
        if not isinstance(content.get("title"), str):
            raise CorruptFileError(f"{source} has no title. Delete it; the next save of the run writes it anew.")
        known = {entry.name for entry in dataclasses.fields(cls)}
        for name, value in content.items():
            if name in known and not _is_acceptable(name, value):
                raise CorruptFileError(
                    f"{source}: {name} cannot be {value!r}. Delete the file; the next save of the run writes it anew."
                )
        return cls(**{name: value for name, value in content.items() if name in known})


def _is_acceptable(name: str, value: Any) -> bool:
    """Whether a JSON value can stand in this field of Summary."""
    if name == "title":
        return isinstance(value, str)
    if name == "finished":
        return isinstance(value, bool)
    if name == "compressors":
        return isinstance(value, dict) and all(_is_figure(figure) for figure in value.values())
    if name == "next_commands":
        return isinstance(value, list) and all(isinstance(command, str) for command in value)
    if name in ("model_parameters", "training_operations_per_token", "tokens", "held_out_bytes"):
        return value is None or (_is_figure(value) and isinstance(value, int))
    return value is None or _is_figure(value)


def _is_figure(value: Any) -> bool:
    """Whether a value is a finite number that is not negative."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
