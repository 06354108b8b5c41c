"""How well a model foresees a text, per word, token, byte or character of it: WikiText, PTB, 1BW, enwik8, text8."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from gpt25.evaluation.protocols.corpus_text import CorpusText
from gpt25.evaluation.scoring.continuation_scorer import ContinuationScorer
from gpt25.evaluation.scoring.measurement import Measurement, Scale
from gpt25.evaluation.scoring.windows import windows
from gpt25.tokenizer import Tokenizer

TextMetric = Literal["word_perplexity", "token_perplexity", "bits_per_byte", "bits_per_character"]

_UNITS = {
    "word_perplexity": "white-space separated word of the original, whatever the tokens",
    "token_perplexity": "token of the text that was read",
    "bits_per_byte": "UTF-8 byte of the original",
    "bits_per_character": "character of the original",
}


def score_texts(
    documents: Sequence[CorpusText],
    tokenizer: Tokenizer,
    scorer: ContinuationScorer,
    *,
    metrics: Sequence[TextMetric],
    stride: int | None = None,
    limit: int | None = None,
) -> list[Measurement]:
    """The loss on all documents, on several scales. The units of the error are windows of one block.

    stride: see `windows`. limit: only the first so many windows.

    Words, bytes and characters of a window are its share of its document's by tokens: the figure needs only their sum.
    """
    block_size = scorer.model.configuration.block_size
    requests = []
    sizes: dict[str, list[float]] = {metric: [] for metric in _UNITS}
    for document in documents:
        tokens = tokenizer.encode(document.text)
        some = windows(tokens, end_of_text_id=tokenizer.end_of_text_id, block_size=block_size, stride=stride)
        requests += some
        for request in some:
            share = len(request.continuation) / len(tokens)
            sizes["word_perplexity"].append(document.words * share)
            sizes["token_perplexity"].append(len(request.continuation))
            sizes["bits_per_byte"].append(document.bytes * share)
            sizes["bits_per_character"].append(document.characters * share)
    nats = np.array([-answer.log_likelihood for answer in scorer.answer(requests[:limit])])
    overlap = "windows that do not overlap" if stride in (None, block_size) else f"windows {stride:,} tokens apart"
    measurements = []
    for metric in metrics:
        scale: Scale = "bits" if metric.startswith("bits") else "exponential"
        definition = (
            f"loss per {_UNITS[metric]}; {overlap}, {block_size:,} tokens wide, the first after the token between "
            "documents"
        )
        measurements.append(Measurement(metric, definition, nats, np.array(sizes[metric][:limit]), scale, False))
    return measurements
