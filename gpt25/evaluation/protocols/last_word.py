"""How well a model foresees the last word of a passage: LAMBADA."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gpt25.evaluation.protocols.stop_words import STOP_WORDS
from gpt25.evaluation.scoring.continuation_scorer import ContinuationScorer
from gpt25.evaluation.scoring.encoding import encode_request
from gpt25.evaluation.scoring.measurement import Measurement
from gpt25.tokenizer import Tokenizer


@dataclass(frozen=True)
class LastWordItem:
    """A passage without its last word, and that word with the space before it."""

    context: str
    last_word: str

    @classmethod
    def of_passage(cls, passage: str) -> "LastWordItem":
        """Cut a passage at its last space: "He sat down" -> "He sat", " down"."""
        context, space, word = passage.rpartition(" ")
        return cls(context, space + word)


def stop_word_tokens(tokenizer: Tokenizer) -> list[int]:
    """The ids of tokens that are a whole stop word behind a space, in lower case or with a capital."""
    words = {f" {form}".encode() for word in STOP_WORDS for form in (word, word.capitalize())}
    return [identifier for identifier in range(tokenizer.vocabulary_size) if tokenizer.token_bytes(identifier) in words]


def score_last_words(
    items: Sequence[LastWordItem],
    tokenizer: Tokenizer,
    scorer: ContinuationScorer,
) -> list[Measurement]:
    """`perplexity`, `accuracy`, `accuracy_last_token`, `accuracy_stop_word_filter`; see their definitions.

    The scorer's barred tokens should be `stop_word_tokens`.
    """
    requests = [encode_request(tokenizer, item.context, item.last_word, encoding="together") for item in items]
    answers = scorer.answer(requests)
    ones = np.ones(len(items))
    nats = np.array([-answer.log_likelihood for answer in answers])
    all_tokens = np.array([float(answer.is_greedy) for answer in answers])
    last = np.array([float(answer.is_likeliest[-1]) for answer in answers])
    filtered = np.array([float(answer.is_likeliest_allowed[0] and all(answer.is_likeliest[1:])) for answer in answers])
    return [
        Measurement(
            "perplexity",
            "exp of the mean loss of the last word, all its tokens together",
            nats,
            ones,
            "exponential",
            False,
        ),
        Measurement("accuracy", "every token of the last word is the likeliest", all_tokens, ones),
        Measurement("accuracy_last_token", "the last token of the passage is the likeliest", last, ones),
        Measurement(
            "accuracy_stop_word_filter",
            f"as accuracy, but the word may not begin with a token that is one of {len(STOP_WORDS)} stop words",
            filtered,
            ones,
        ),
    ]
