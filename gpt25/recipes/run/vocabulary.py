"""The vocabulary of a run on its own corpus."""

import math
from collections.abc import Callable, Iterable, Iterator

from gpt25.data import Document, split_parts
from gpt25.data.sources.document import SplitRule
from gpt25.tokenizer import Tokenizer
from gpt25.tokenizer.training import IfFewer


def learn_vocabulary(
    documents: Iterable[Document],
    *,
    vocabulary_size: int,
    validation_fraction: float,
    split_rule: SplitRule = "content",
    share: float = 1.0,
    if_fewer: IfFewer = "refuse",
    progress: Callable[[int], None] | None = None,
) -> Tokenizer:
    """A tokenizer learned from what will be trained on; what is held out plays no part in it.

    validation_fraction, split_rule: those that `prepare` will go by. share: the fraction of every document, from its
    beginning on, that is read, for more text than a vocabulary needs. if_fewer, progress, and what it raises: see
    Tokenizer.train.
    """
    texts = _training_texts(documents, split_rule, validation_fraction, share)
    return Tokenizer.train(texts, vocabulary_size=vocabulary_size, if_fewer=if_fewer, progress=progress)


def _training_texts(
    documents: Iterable[Document], rule: SplitRule, validation_fraction: float, share: float
) -> Iterator[str]:
    for document in documents:
        for split, part in split_parts(document, rule, validation_fraction=validation_fraction):
            if split == "train":
                # A share may end inside a character, which is then left out.
                content = part.content[: math.ceil(len(part.content) * share)]
                yield content.decode("utf-8", "ignore" if share < 1 else "strict")
