"""In what unit the losses of several runs can be compared, and what that leaves uncomparable."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gpt25.errors import PlotError
from gpt25.plots.curves import names_of
from gpt25.plots.formatting import size
from gpt25.records import RunDirectory, data_indices

LossUnit = Literal["nats per token", "bits per byte"]


@dataclass(frozen=True)
class LossMeasure:
    """A unit, for each run what turns nats per token into it, and sentences on what the figures do not tell."""

    unit: LossUnit
    factors: tuple[float, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _HeldOut:
    """What a run measures itself on, as far as recipe and index say; None for what they do not."""

    vocabulary_size: int | None
    tokenizer: str | None
    shards: str | None
    """The beginnings of the shards' hashes, and how much of them is read."""
    text: tuple[int, int] | None
    """Documents and bytes of the whole split: the same text has the same ones whatever the tokenizer."""
    tokens: int | None

    @property
    def bits_per_byte_of_a_nat(self) -> float | None:
        """Bits per byte = nats per token × tokens / ln 2 / bytes; the split's own tokens and bytes."""
        if not self.tokens or self.text is None or self.text[1] <= 0:
            return None
        return self.tokens / math.log(2) / self.text[1]


def loss_measure(runs: Sequence[RunDirectory]) -> LossMeasure:
    """Nats per token where all runs read the same tokens, else bits per byte.

    Raises PlotError where they do not, and an index does not say how many bytes its tokens are.
    """
    names = names_of(runs)
    held_out = [_held_out(run) for run in runs]
    differing = [words for field, words in _DIFFERENCES.items() if _differ([getattr(each, field) for each in held_out])]
    if not differing:
        return LossMeasure("nats per token", (1.0,) * len(runs))
    factors = [each.bits_per_byte_of_a_nat for each in held_out]
    unknown = [name for name, factor in zip(names, factors, strict=True) if factor is None]
    if unknown:
        listed = "; ".join(f"{name}: {_in_words(each)}" for name, each in zip(names, held_out, strict=True))
        raise PlotError(
            f"these runs cannot be compared: they {differing[0]} ({listed}), and in bits per byte neither, for the "
            f"index of the shards of {', '.join(unknown)} does not say of how many bytes they were made. Compare runs "
            "of one set and tokenizer."
        )
    known = tuple(factor for factor in factors if factor is not None)
    return LossMeasure("bits per byte", known, _remarks(names, held_out))


_DIFFERENCES = {
    "vocabulary_size": "have vocabularies of different sizes, so that a token is not the same amount of text",
    "tokenizer": "have different tokenizers, so that a token is not the same amount of text",
    "shards": "are validated on different tokens (by the hashes in the index of their shards)",
}


def _remarks(names: Sequence[str], held_out: Sequence[_HeldOut]) -> tuple[str, ...]:
    remarks = [
        "Losses are in bits per byte of held-out text: nats per token are not compared, for the runs "
        + ("have different tokenizers" if _differ([each.tokenizer for each in held_out]) else "read different tokens")
        + ", and OpenAI's published losses, which are per token of GPT-2's, are left out."
    ]
    if _differ([each.text for each in held_out]):
        sizes = ", ".join(
            f"{name} {size(each.text[1])}" for name, each in zip(names, held_out, strict=True) if each.text
        )
        remarks.append(
            f"The runs hold out different texts ({sizes}): each figure says how well a run predicts its own, and a "
            "lower one can come of an easier text. On the same text, gpt25 evaluate --against compares them."
        )
    return tuple(remarks)


def _held_out(run: RunDirectory) -> _HeldOut:
    recipe, indices = run.recipe(), data_indices(run)
    splits = [split for index in indices if isinstance(split := index.get("validation"), dict)]
    shards = [shard for split in splits for shard in split.get("shards") or [] if isinstance(shard, dict)]
    data = recipe.get("data")
    data = data if isinstance(data, dict) else {}
    hashes = "".join(str(shard.get("sha256", ""))[:8] for shard in shards)
    counts = {field: _sum([split.get(field) for split in splits]) for field in ("tokens", "documents", "bytes")}
    documents, size_in_bytes = counts["documents"], counts["bytes"]
    fingerprint = indices[0].get("tokenizer_fingerprint") if indices else None
    return _HeldOut(
        vocabulary_size=_vocabulary_size(recipe),
        tokenizer=fingerprint if isinstance(fingerprint, str) else None,
        shards=f"{hashes} {data.get('validation_tokens')} {data.get('validation_selection')}" if shards else None,
        text=None if documents is None or size_in_bytes is None else (documents, size_in_bytes),
        tokens=counts["tokens"],
    )


def _vocabulary_size(recipe: dict[str, Any]) -> int | None:
    model = recipe.get("model")
    found = model.get("vocabulary_size") if isinstance(model, dict) else None
    return found if isinstance(found, int) else None


def _sum(values: Sequence[Any]) -> int | None:
    numbers = [value for value in values if isinstance(value, int)]
    return sum(numbers) if values and len(numbers) == len(values) else None


def _differ(values: Sequence[Any]) -> bool:
    return len({value for value in values if value is not None}) > 1


def _in_words(held_out: _HeldOut) -> str:
    vocabulary = "" if held_out.vocabulary_size is None else f"{held_out.vocabulary_size:,} tokens"
    return ", ".join(part for part in (vocabulary, (held_out.shards or "")[:12].strip()) if part) or "unknown"
