"""How well a model foresees a text, per word, token, byte or character of it: WikiText, PTB, 1BW, enwik8, text8."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gpt25.evaluation.protocols.corpus_text import CorpusText
from gpt25.evaluation.scoring.continuation_scorer import ContinuationScorer
from gpt25.evaluation.scoring.measurement import Measurement, Scale, Sections
from gpt25.evaluation.scoring.windows import windows
from gpt25.tokenizer import Tokenizer

TextMetric = Literal["word_perplexity", "token_perplexity", "byte_perplexity", "bits_per_byte", "bits_per_character"]

_DENOMINATORS = {
    "word_perplexity": "white-space separated word of the original, whatever the tokens",
    "token_perplexity": "token of the text that was read",
    "byte_perplexity": "UTF-8 byte of the original",
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
    """The loss on all documents, on several scales. The items of the error are windows of one block.

    stride: see `windows`. limit: only the first so many windows.

    Words, bytes and characters of a window are its share of its document's by tokens: the figure needs only their sum.
    Whole texts are also summed part by part (`Measurement.sections`), which models with other tokenizers have too.
    """
    block_size = scorer.model.configuration.block_size
    requests = []
    encoded = []
    sizes: dict[str, list[float]] = {metric: [] for metric in _DENOMINATORS}
    for document in documents:
        tokens = tokenizer.encode(document.text)
        encoded.append(tokens)
        document_requests = windows(
            tokens, end_of_text_id=tokenizer.end_of_text_id, block_size=block_size, stride=stride
        )
        requests += document_requests
        sizes_of_document = _sizes(document, len(tokens))
        for request in document_requests:
            share = len(request.continuation) / len(tokens)
            for metric, size in sizes_of_document.items():
                sizes[metric].append(size * share)
    answers = scorer.answer(requests[:limit])
    nats = np.array([-answer.log_likelihood for answer in answers])
    parts = None
    if limit is None or limit >= len(requests):
        by_token = np.array([-each for answer in answers for each in answer.token_log_likelihoods])
        parts = _by_part(documents, encoded, by_token, tokenizer)
    overlap = "windows that do not overlap" if stride in (None, block_size) else f"windows {stride:,} tokens apart"
    measurements = []
    for metric in metrics:
        scale: Scale = "bits" if metric.startswith("bits") else "exponential"
        definition = (
            f"loss per {_DENOMINATORS[metric]}; {overlap}, {block_size:,} tokens wide, the first after the token "
            "between documents"
        )
        denominators = np.array(sizes[metric][:limit])
        sections = None if parts is None else parts.sections(metric)
        measurements.append(Measurement(metric, definition, nats, denominators, scale, False, sections=sections))
    return measurements


def _sizes(document: CorpusText, tokens: int) -> dict[str, float]:
    """By what the loss of a document is divided, metric by metric."""
    return {
        "word_perplexity": document.words,
        "token_perplexity": tokens,
        "byte_perplexity": document.bytes,
        "bits_per_byte": document.bytes,
        "bits_per_character": document.characters,
    }


@dataclass(frozen=True)
class _Parts:
    """The loss of every part of some documents (a document without parts is one)."""

    kind: str
    nats: NDArray[np.float64]
    sizes: dict[str, list[float]]

    def sections(self, metric: str) -> Sections:
        return Sections(self.kind, self.nats, np.array(self.sizes[metric]))


def _by_part(
    documents: Sequence[CorpusText],
    encoded: Sequence[Sequence[int]],
    nats: NDArray[np.float64],
    tokenizer: Tokenizer,
) -> _Parts:
    """What each token's loss adds to the part in which the token begins; nats: of all tokens, document by document."""
    owners: list[NDArray[np.int64]] = []
    sizes: dict[str, list[float]] = {metric: [] for metric in _DENOMINATORS}
    number = 0
    for document, tokens in zip(documents, encoded, strict=True):
        parts = document.parts or (document,)
        length = {token: len(tokenizer.token_bytes(token)) for token in set(tokens)}
        ends = np.cumsum([length[token] for token in tokens])  # (tokens); in bytes
        starts = np.concatenate([[0], ends[:-1]])[: len(tokens)]  # (tokens)
        ends_of_parts = np.cumsum([len(part.text.encode("utf-8")) for part in parts])  # (parts)
        owner = np.minimum(np.searchsorted(ends_of_parts, starts, side="right"), len(parts) - 1)  # (tokens)
        owners.append(owner + number)
        counts = np.bincount(owner, minlength=len(parts))  # (parts)
        for part, count in zip(parts, counts.tolist(), strict=True):
            for metric, size in _sizes(part, count).items():
                sizes[metric].append(size)
        number += len(parts)
    kind = documents[0].kind_of_parts or "documents"
    sums = np.bincount(np.concatenate(owners), nats, minlength=number).astype(np.float64)  # (parts)
    return _Parts(kind, sums, sizes)
