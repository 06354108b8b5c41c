"""Learn a byte-level BPE from documents, with the `tokenizers` library."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Literal

from gpt25.errors import TokenizerError
from gpt25.tokenizer.vocabulary import END_OF_TEXT, Vocabulary, ordinary_tokens

IfFewer = Literal["refuse", "take"]
"""What is done where a text yields fewer tokens than were asked for."""
SMALLEST_VOCABULARY = 257  # 256 bytes and <|endoftext|>
LARGEST_VOCABULARY = 1 << 20  # the library reserves room for all of them before it reads a word
LONGEST_TOKEN_IN_BYTES = 128  # as in GPT-2's own; keeps a corpus of repeats from making tokens of whole pages
MINIMUM_FREQUENCY = 2  # a pair that occurs once is not worth a token
# The library takes time quadratic in the longest unbroken piece: half a minute for 100,000 spaces, 0.02 s for 4,096.
_LONGEST_CHUNK_IN_CHARACTERS = 4096
_SAFE_CUT = re.compile(r"[A-Za-z0-9](?= [A-Za-z0-9])")


def train_vocabulary(
    documents: Iterable[str],
    *,
    vocabulary_size: int,
    if_fewer: IfFewer = "refuse",
    progress: Callable[[int], None] | None = None,
) -> Vocabulary:
    """Learn `vocabulary_size` tokens: the 256 bytes, the most frequent merges, and <|endoftext|> as the last id.

    `documents` are read once, in order, and never all in memory. `progress` is called with the documents read since
    its last call. Raises TokenizerError for a size out of range, without any text, for text that is not Unicode, and
    when the documents have too few different pairs for that size, unless the caller's model can have fewer rows and
    `if_fewer` says "take".
    """
    if not SMALLEST_VOCABULARY <= vocabulary_size <= LARGEST_VOCABULARY:
        raise TokenizerError(
            f"vocabulary_size is {vocabulary_size:,}; it must be from {SMALLEST_VOCABULARY} (the 256 bytes and "
            f"{END_OF_TEXT}) to {LARGEST_VOCABULARY:,}."
        )
    chunks = _chunks_of_all(documents, progress)
    first = next(filter(None, chunks), None)
    if first is None and vocabulary_size > SMALLEST_VOCABULARY:
        raise TokenizerError("there is no text to learn a vocabulary from: the documents are empty, or there are none.")
    learned = _learn(chain([first or ""], chunks), number_of_tokens=vocabulary_size - 1)
    number_of_tokens = len(learned["vocab"])
    if number_of_tokens < vocabulary_size - 1 and if_fewer == "refuse":
        raise TokenizerError(
            f"these documents yield a vocabulary of {number_of_tokens + 1:,} at most, not {vocabulary_size:,}: no "
            f"other pair occurs {MINIMUM_FREQUENCY} times. Give more text or ask for a smaller vocabulary."
        )
    merges = [(left, right) for left, right in learned["merges"]]
    return Vocabulary(ordinary=ordinary_tokens(learned["vocab"], merges), special={END_OF_TEXT: number_of_tokens})


def _learn(chunks: Iterator[str], *, number_of_tokens: int) -> dict[str, Any]:
    """The library's own description of the model it learned: `vocab` and `merges`."""
    # Imported here, so that encoding never waits for the library that only training needs.
    from tokenizers import Tokenizer as Engine
    from tokenizers import models, pre_tokenizers, trainers

    engine = Engine(models.BPE())
    engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    trainer = trainers.BpeTrainer(
        vocab_size=number_of_tokens,
        min_frequency=MINIMUM_FREQUENCY,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=LONGEST_TOKEN_IN_BYTES,
        special_tokens=[],
        show_progress=False,
    )
    engine.train_from_iterator(chunks, trainer=trainer)
    return json.loads(engine.to_str())["model"]


def _chunks_of_all(documents: Iterable[str], progress: Callable[[int], None] | None) -> Iterator[str]:
    """All documents in pieces of bounded size, counted and checked."""
    for number, document in enumerate(documents, start=1):
        try:
            document.encode("utf-8")
        except UnicodeEncodeError as problem:
            raise TokenizerError(
                f"document {number} has the lone surrogate U+{ord(document[problem.start]):04X} at character "
                f"{problem.start:,}, which is half a character and no Unicode text. Take it out."
            ) from problem
        yield from _chunks(document)
        if progress is not None:
            progress(1)


def _chunks(document: str) -> Iterator[str]:
    """Cut a long document into chunks of at most `_LONGEST_CHUNK_IN_CHARACTERS`.

    In prose and code a cut falls where GPT-2's pattern splits in any case, before a single space between two words, so
    that the merges are those of the whole document. Where no such place comes for half a chunk, it falls anywhere.
    """
    start = 0
    while len(document) - start > _LONGEST_CHUNK_IN_CHARACTERS:
        latest = start + _LONGEST_CHUNK_IN_CHARACTERS
        cut = _SAFE_CUT.search(document, start + _LONGEST_CHUNK_IN_CHARACTERS // 2, latest)
        end = cut.end() if cut else latest
        yield document[start:end]
        start = end
    yield document[start:]
