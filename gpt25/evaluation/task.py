"""What a task is: the table's row."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gpt25.evaluation.protocols.choice_item import ChoiceItem
from gpt25.evaluation.scoring.encoding import Encoding
from gpt25.evaluation.sets.data_files import Row
from gpt25.evaluation.sets.detokenisers import DetokeniserName
from gpt25.evaluation.sets.hub_sets import HubFile

if TYPE_CHECKING:  # the table of tasks is listed without torch, which what scores them imports
    from gpt25.evaluation.protocols.multiple_choice import Normalisation
    from gpt25.evaluation.protocols.text_perplexity import TextMetric

Kind = Literal["multiple choice", "minimal pairs", "last word", "text", "shards", "core"]
Documents = Literal["whole", "lines", "articles", "harness pages"]


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
    normalisation: "Normalisation | None" = None
    metrics: "tuple[TextMetric, ...]" = ()
    """Of texts."""
    detokeniser: DetokeniserName | None = None
    documents: Documents = "whole"
    """Of texts: one document, one a line, one an article, or one a page as lm-evaluation-harness cuts and reads it."""
    number_of_tokens: int | None = None
    """Of shards: on how many the published figure was measured; None is the whole set."""
    note: str = ""
    """What else a reader of the score must know."""
