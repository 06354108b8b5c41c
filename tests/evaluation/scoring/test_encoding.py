import pytest

from gpt25.errors import EvaluationError
from gpt25.evaluation.scoring.encoding import encode_request
from gpt25.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def gpt2() -> Tokenizer:
    return Tokenizer.gpt2()


def test_together_cuts_the_whole_where_the_contexts_own_tokens_end(gpt2: Tokenizer) -> None:
    request = encode_request(gpt2, "Hello, I'm a language", " model", encoding="together")
    assert request.context + request.continuation == tuple(gpt2.encode("Hello, I'm a language model"))
    assert request.continuation == (2746,)


def test_spaces_at_the_end_of_the_context_go_to_the_continuation(gpt2: Tokenizer) -> None:
    spaced = encode_request(gpt2, "a language ", "model", encoding="together")
    assert spaced == encode_request(gpt2, "a language", " model", encoding="together")


def test_apart_encodes_each_by_itself(gpt2: Tokenizer) -> None:
    request = encode_request(gpt2, "The", "re is", encoding="apart")
    assert (request.context, request.continuation) == (tuple(gpt2.encode("The")), tuple(gpt2.encode("re is")))
    together = encode_request(gpt2, "The", "re is", encoding="together")
    assert together.continuation != request.continuation  # "There" is one token


@pytest.mark.parametrize("encoding", ["together", "apart"])
def test_an_empty_context_is_the_token_between_documents(gpt2: Tokenizer, encoding: str) -> None:
    request = encode_request(gpt2, "", "Hello", encoding=encoding)  # type: ignore[arg-type]
    assert (request.context, request.continuation) == ((50256,), (15496,))


def test_an_empty_answer_is_refused(gpt2: Tokenizer) -> None:
    with pytest.raises(EvaluationError, match="the text '' after 'a question' leaves no token to score"):
        encode_request(gpt2, "a question", "", encoding="apart")
