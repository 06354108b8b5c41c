"""What a task is: the table's row."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from gpt25.evaluation.choice_item import ChoiceItem
from gpt25.evaluation.data_files import Row
from gpt25.evaluation.detokenisers import DetokeniserName
from gpt25.evaluation.encoding import Encoding
from gpt25.evaluation.multiple_choice import Normalisation
from gpt25.evaluation.text_perplexity import TextMetric

Kind = Literal["multiple choice", "minimal pairs", "last word", "text", "shards", "core"]
Documents = Literal["whole", "lines", "articles"]


@dataclass(frozen=True)
class HubFile:
    """One file of a data set on the Hub."""

    repository: str
    file: str
    revision: str | None = None
    """Branch, tag or commit; None is the main branch."""


def hub_set(repository: str, configuration: str, split: str) -> HubFile:
    """A set in the Parquet form that the Hub makes of every public set, on a branch of its own.

    Its first file; none of the evaluation sets has a second one.
    """
    return HubFile(repository, f"{configuration}/{split}/0000.parquet", "refs/convert/parquet")


@dataclass(frozen=True)
class Task:
    """One set and the protocol by which models are scored on it."""

    name: str
    kind: Kind
    title: str
    """The set in words, and the protocol where there are several."""
    hub: tuple[HubFile, ...] = ()
    """Where it is fetched when no file is given; several parts are read one after the other."""
    read: Callable[[Row], ChoiceItem] | None = None
    """Of multiple choice and minimal pairs: a row into an item."""
    gather: Callable[[Iterable[Row]], Iterator[Row]] | None = None
    """Makes rows of a release's own lines, where these are not rows already."""
    encoding: Encoding = "together"
    normalisation: Normalisation | None = None
    metrics: tuple[TextMetric, ...] = ()
    """Of texts."""
    detokeniser: DetokeniserName | None = None
    documents: Documents = "whole"
    """Of texts: one document, one a line, or one an article."""
    number_of_tokens: int | None = None
    """Of shards: on how many the published figure was measured; None is the whole set."""
    note: str = ""
    """What else a reader of the score must know."""
