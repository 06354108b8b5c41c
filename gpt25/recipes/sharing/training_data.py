"""Which texts a run was trained on, as far as its records know and everybody may know it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpt25.plots.measures.data_set import data_set_of
from gpt25.records import RunDirectory, data_indices
from gpt25.references.known_data import KNOWN_DATA, STANDARD_LIBRARY, KnownData

_STANDARD_LIBRARY_WORD = "standard-library"
_HUB_PREFIX = "hf://datasets/"


@dataclass(frozen=True)
class SplitSize:
    """How much text one split is; None where the index does not say."""

    tokens: int | None
    documents: int | None
    bytes: int | None


@dataclass(frozen=True)
class TrainingData:
    """What a model card may say: of one's own files only how much they are, no names and no paths."""

    known: KnownData | None
    """The published set that it is; None for others."""
    hub_names: tuple[str, ...]
    """Data sets on the Hugging Face Hub that the shards were made of."""
    train: SplitSize | None
    validation: SplitSize | None
    tokenizer_name: str | None

    @property
    def in_words(self) -> str:
        """The texts by their name: "FineWeb", "owner/name on the Hugging Face Hub", "texts of one's own"."""
        if self.known is not None:
            return self.known.title
        if self.hub_names:
            return f"{', '.join(self.hub_names)} on the Hugging Face Hub"
        return "texts of the maker's own"


def training_data_of(run: RunDirectory) -> TrainingData:
    """Read it from the index of the run's shards and the run's title; raises as `data_indices` does."""
    indices = data_indices(run)
    sources = [source for index in indices for source in index.get("sources") or [] if isinstance(source, str)]
    data_set = data_set_of(run)
    known = None if data_set is None else KNOWN_DATA[data_set]
    hub_names = tuple(dict.fromkeys(name for source in sources if (name := _hub_name(source))))
    if known is None:
        known = next((each for each in KNOWN_DATA.values() if hub_names == (each.repository,)), None)
    if known is None and _is_standard_library(run, sources):
        known = STANDARD_LIBRARY
    names = [index.get("tokenizer_name") for index in indices]
    return TrainingData(
        known=known,
        hub_names=hub_names,
        train=_size([index.get("train") for index in indices]),
        validation=_size([index.get("validation") for index in indices]),
        tokenizer_name=names[0] if names and isinstance(names[0], str) else None,
    )


def _is_standard_library(run: RunDirectory, sources: Sequence[str]) -> bool:
    """The quickstart hands its documents over without naming a source; its title names them."""
    summary = run.read_summary()
    titled = summary is not None and STANDARD_LIBRARY.title in summary.title
    return list(sources) == [_STANDARD_LIBRARY_WORD] or (titled and not sources)


def _hub_name(source: str) -> str | None:
    """_hub_name("hf://datasets/owner/name@main/a.parquet") -> "owner/name"; None for what is not on the Hub."""
    if not source.startswith(_HUB_PREFIX):
        return None
    words = source.removeprefix(_HUB_PREFIX).split("/")
    return "/".join(words[:2]).partition("@")[0] if len(words) > 1 else None


def _size(splits: Sequence[Any]) -> SplitSize | None:
    """The sum over the parts that several machines made; None without any."""
    found = [split for split in splits if isinstance(split, dict)]
    if not found:
        return None
    tokens, documents, number_of_bytes = (_sum(found, field) for field in ("tokens", "documents", "bytes"))
    return SplitSize(tokens, documents, number_of_bytes)


def _sum(splits: Sequence[dict[str, Any]], field: str) -> int | None:
    values = [split.get(field) for split in splits]
    return sum(values) if all(isinstance(value, int) for value in values) else None  # type: ignore[arg-type]
