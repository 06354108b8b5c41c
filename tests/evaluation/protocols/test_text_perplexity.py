import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from gpt25.errors import EvaluationError
from gpt25.evaluation import ContinuationScorer, Measurement, Request, difference_between
from gpt25.evaluation.protocols.corpus_text import CorpusText
from gpt25.evaluation.protocols.text_perplexity import score_texts
from gpt25.evaluation.scoring.windows import windows
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer

TEXT = "the cat sat on the mat , and the dog did n't . \n" * 7
METRICS = ("word_perplexity", "token_perplexity", "bits_per_byte", "bits_per_character")


@pytest.mark.parametrize("length", [1, 7, 8, 9, 16, 17, 100])
@pytest.mark.parametrize("stride", [None, 1, 3, 8])
def test_windows_score_every_token_once_with_as_much_context_as_there_is_room(length: int, stride: int | None) -> None:
    tokens = list(range(100, 100 + length))
    requests = windows(tokens, end_of_text_id=0, block_size=8, stride=stride)
    assert [token for request in requests for token in request.continuation] == tokens
    whole, place = [0, *tokens], 1
    for request in requests:
        assert len(request.context) + len(request.continuation) - 1 <= 8
        end = place + len(request.continuation)
        assert list(request.context) == whole[max(0, end - 9) : place]
        place = end


def test_windows_are_those_of_the_harness() -> None:
    """lm-evaluation-harness: get_rolling_token_windows(range(10), 99, 4, 1), made disjoint, as its docstring has it."""
    expected = [((99,), (0, 1, 2, 3)), ((3,), (4, 5, 6, 7)), ((5, 6, 7), (8, 9))]
    found = windows(range(10), end_of_text_id=99, block_size=4)
    assert [(request.context, request.continuation) for request in found] == expected


@pytest.mark.parametrize("stride", [0, 9])
def test_a_stride_out_of_range_is_refused(stride: int) -> None:
    with pytest.raises(EvaluationError, match=f"a stride of {stride} tokens cannot be; choose from 1 to the block"):
        windows([1], end_of_text_id=0, block_size=8, stride=stride)


def scored(model: GPTModel, tokenizer: Tokenizer, *documents: CorpusText, **words: Any) -> dict[str, Measurement]:
    found = score_texts(documents, tokenizer, ContinuationScorer(model), metrics=METRICS, **words)
    return {measurement.metric: measurement for measurement in found}


def test_figures_are_the_loss_of_transformers_per_word_token_byte_and_character(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, oracle: Callable[[Sequence[Request]], Any]
) -> None:
    document = CorpusText.of("é " + TEXT, text=TEXT)
    found = scored(tiny_model, byte_tokenizer, document)
    requests = windows(byte_tokenizer.encode(TEXT), end_of_text_id=256, block_size=64)
    nats = -sum(sum(log_likelihoods) for log_likelihoods, _ in oracle(requests))
    assert found["token_perplexity"].value == pytest.approx(math.exp(nats / len(TEXT)), rel=1e-4)
    assert found["bits_per_byte"].value == pytest.approx(nats / math.log(2) / (len(TEXT) + 3), rel=1e-4)
    assert found["bits_per_character"].value == pytest.approx(nats / math.log(2) / (len(TEXT) + 2), rel=1e-4)
    ratio = found["word_perplexity"].numerators.sum() / found["word_perplexity"].denominators.sum()
    assert ratio == pytest.approx(nats / (13 * 7 + 1), rel=1e-4)
    assert found["token_perplexity"].number_of_items == math.ceil(len(TEXT) / 64)
    assert "windows that do not overlap, 64 tokens wide" in found["token_perplexity"].definition
    assert not found["token_perplexity"].higher_is_better


def test_documents_begin_anew(tiny_model: GPTModel, byte_tokenizer: Tokenizer) -> None:
    one, two = CorpusText.of("first"), CorpusText.of("and the second")
    together = scored(tiny_model, byte_tokenizer, one, two)["bits_per_byte"]
    alone = [scored(tiny_model, byte_tokenizer, each)["bits_per_byte"] for each in (one, two)]
    assert together.numerators.tolist() == pytest.approx([each.numerators[0] for each in alone], abs=1e-4)
    assert together.denominators.tolist() == [5, 14]


def test_more_context_for_every_token_changes_the_figure_and_its_definition(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer
) -> None:
    usual = scored(tiny_model, byte_tokenizer, CorpusText.of(TEXT))["token_perplexity"]
    overlapping = scored(tiny_model, byte_tokenizer, CorpusText.of(TEXT), stride=16)["token_perplexity"]
    assert overlapping.value != usual.value
    assert overlapping.denominators.sum() == usual.denominators.sum() == len(TEXT)
    assert "windows 16 tokens apart" in overlapping.definition


def test_a_limit_takes_the_first_windows(tiny_model: GPTModel, byte_tokenizer: Tokenizer) -> None:
    limited = scored(tiny_model, byte_tokenizer, CorpusText.of(TEXT), limit=2)["bits_per_byte"]
    whole = scored(tiny_model, byte_tokenizer, CorpusText.of(TEXT))["bits_per_byte"]
    np.testing.assert_allclose(limited.numerators, whole.numerators[:2], atol=1e-3)
    assert limited.number_of_items == 2


def test_models_with_other_tokens_are_paired_by_article(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, build_model: Callable[..., GPTModel]
) -> None:
    """A model of bytes and one of merged bytes: the loss of every article is known of both."""
    merged = Tokenizer.train([TEXT], vocabulary_size=270)
    other = build_model(vocabulary_size=270)
    articles = [CorpusText.of(f"é = {number} =\n" + TEXT[: 40 + 9 * number]) for number in range(6)]
    whole = CorpusText.of_parts(articles, kind="articles")
    first, second = scored(tiny_model, byte_tokenizer, whole), scored(other, merged, whole)
    for measurement in (*first.values(), *second.values()):
        assert measurement.sections is not None
        assert measurement.sections.numerators.sum() == pytest.approx(measurement.numerators.sum())
        assert measurement.sections.denominators.sum() == pytest.approx(measurement.denominators.sum())
    for metric in ("word_perplexity", "bits_per_byte", "bits_per_character"):
        difference = difference_between(first[metric], second[metric])
        assert difference.test == "paired z over 6 articles: the models cut the text differently"
    assert difference_between(first["token_perplexity"], second["token_perplexity"]).p_value is None
    in_bytes = [len(article.text.encode()) for article in articles]
    assert first["token_perplexity"].sections is not None
    assert first["token_perplexity"].sections.denominators.tolist() == in_bytes
    apart = scored(tiny_model, byte_tokenizer, *articles)["word_perplexity"]
    assert apart.sections is not None
    assert apart.sections.kind == "documents"
    assert scored(tiny_model, byte_tokenizer, whole, limit=1)["word_perplexity"].sections is None
