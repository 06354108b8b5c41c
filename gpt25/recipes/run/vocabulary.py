"""The vocabulary of a run on its own corpus."""

from collections.abc import Sequence

from gpt25.data import Document, split_of
from gpt25.tokenizer import Tokenizer


def learn_vocabulary(documents: Sequence[Document], *, vocabulary_size: int, validation_fraction: float) -> Tokenizer:
    """A tokenizer learned from the documents that will be trained on; the held-out ones play no part in it.

    validation_fraction: the one that `prepare` will be called with. Raises TokenizerError as Tokenizer.train does.
    """
    texts = [
        document.content.decode("utf-8")
        for document in documents
        if split_of(document, validation_fraction=validation_fraction) == "train"
    ]
    return Tokenizer.train(texts, vocabulary_size=vocabulary_size)
