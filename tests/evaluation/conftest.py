from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from gpt25.evaluation import Request
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.tokenizer import Tokenizer


@pytest.fixture(scope="session")
def byte_tokenizer() -> Tokenizer:
    """256 bytes and <|endoftext|>."""
    return Tokenizer.train(["any text"], vocabulary_size=257)


def make_model(**fields: Any) -> GPTModel:
    """A random model whose predictions are far from even, so that a wrong context or position changes them."""
    shape = {
        "block_size": 64,
        "vocabulary_size": 257,
        "number_of_layers": 2,
        "number_of_heads": 2,
        "number_of_embedding_dimensions": 16,
    } | fields
    model = GPTModel(GPTConfiguration(**shape), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.mul_(20)
    return model.eval()


@pytest.fixture(scope="session")
def build_model() -> Callable[..., GPTModel]:
    """`make_model`, for tests that need another shape than `tiny_model`."""
    return make_model


@pytest.fixture(scope="session")
def tiny_model() -> GPTModel:
    return make_model()


@pytest.fixture(scope="session")
def oracle(tiny_model: GPTModel, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sequence[Request]], list[Any]]:
    """What transformers says: for every request its tokens' log-likelihoods and likeliest tokens, one row at a time."""
    from transformers import GPT2LMHeadModel

    from gpt25.weights import save_pretrained

    directory = tmp_path_factory.mktemp("oracle") / "model"
    save_pretrained(tiny_model, None, directory)
    peer = GPT2LMHeadModel.from_pretrained(directory).eval()

    @torch.no_grad()
    def answer(requests: Sequence[Request]) -> list[Any]:
        answers = []
        for request in requests:
            tokens = torch.tensor([request.context + request.continuation])[:, -65:]
            logits = peer(tokens[:, :-1]).logits[0, -len(request.continuation) :]
            expected = torch.tensor(request.continuation)
            chosen = logits.log_softmax(dim=-1).gather(1, expected[:, None])[:, 0]
            answers.append((chosen.tolist(), (logits.argmax(dim=-1) == expected).tolist()))
        return answers

    return answer
