"""The models that a command scores: one, or two that are compared, on every rank."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gpt25.model import GPTModel
from gpt25.runtime import Ranks, choose_device, choose_precision
from gpt25.tokenizer import Tokenizer

Loaded = tuple[GPTModel, Tokenizer | None]


@dataclass(frozen=True)
class EvaluatedModels:
    """One MODEL word, or two, and how what they mean is loaded."""

    words: tuple[str, ...]
    precision: str
    ranks: Ranks
    load: Callable[[str], Loaded]

    def each(self) -> Iterator[Loaded]:
        """The models one after the other, so that one can go before the next one comes."""
        for word in self.words:
            yield self.load(word)


@contextlib.contextmanager
def evaluated_models(words: Sequence[str], *, device: str, precision: Any, stay: bool) -> Iterator[EvaluatedModels]:
    """Connect the ranks, and load onto this rank's device. stay: load all now and keep them, for several tasks."""
    from gpt25.weights import load_pretrained

    ranks = Ranks.from_environment()
    own = ranks.device_for(choose_device(device))
    dtype = choose_precision(own, precision).dtype
    ranks.connect(own)
    try:

        def load(word: str) -> Loaded:
            return load_pretrained(word, device=own, dtype=dtype)

        kept = {word: load(word) for word in words} if stay else {}
        yield EvaluatedModels(tuple(words), precision, ranks, lambda word: kept[word] if word in kept else load(word))
    finally:
        ranks.disconnect()
