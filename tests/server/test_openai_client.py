"""OpenAI's own client, unchanged, against a base model."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from gpt25.generation import TextGenerator
from gpt25.weights import load_pretrained


@pytest.fixture
def client(server: Any) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as made:
        yield made


def test_a_whole_answer_is_a_completion(client: openai.OpenAI, model_directory: Path) -> None:
    generator = TextGenerator(*load_pretrained(model_directory))
    answer = client.completions.create(
        model="tiny", prompt="Hello", n=2, seed=7, max_tokens=20, temperature=0.8, top_p=0.9, frequency_penalty=0.5,
        presence_penalty=-0.5, logit_bias={"101": -100}, stop=["zz"], user="somebody", extra_body={"top_k": 50},
    )  # fmt: skip
    expected = generator.generate(
        "Hello", samples=2, seed=7, max_new_tokens=20, temperature=0.8, top_p=0.9, frequency_penalty=0.5,
        presence_penalty=-0.5, logit_bias={101: -100}, stop="zz", top_k=50,
    )  # fmt: skip
    assert [choice.text for choice in answer.choices] == [sample.text for sample in expected]
    assert answer.object == "text_completion"
    assert answer.id.startswith("cmpl-")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens == 45


def test_a_stream_is_the_whole_answer(client: openai.OpenAI) -> None:
    fields: dict[str, Any] = {"model": "tiny", "prompt": ["One", [84, 119, 111]][0], "seed": 3, "max_tokens": 30}
    whole = client.completions.create(**fields)
    stream = client.completions.create(**fields, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    assert "".join(chunk.choices[0].text for chunk in chunks[:-1]) == whole.choices[0].text
    assert chunks[-2].choices[0].finish_reason == whole.choices[0].finish_reason
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_log_probabilities_are_the_clients_type(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="tiny", prompt="é", echo=True, logprobs=2, max_tokens=3, seed=0)
    given = answer.choices[0].logprobs
    assert given is not None
    assert given.tokens is not None
    assert given.tokens[:2] == [r"bytes:\xc3", r"bytes:\xa9"]
    assert given.token_logprobs is not None
    assert given.token_logprobs[0] is None
    assert given.text_offset == [0, 0, *given.text_offset[2:]]
    assert (
        len(given.tokens) == len(given.token_logprobs) == len(given.top_logprobs or []) == len(given.text_offset) == 5
    )


def test_errors_are_the_clients_own(client: openai.OpenAI, server: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="temperature must be a number from 0 to 2") as refusal:
        client.completions.create(model="tiny", prompt="x", temperature=3)
    assert refusal.value.param == "temperature"
    with pytest.raises(openai.NotFoundError, match="this server has tiny") as missing:
        client.completions.create(model="gpt-4", prompt="x")
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError, match="this is a base model: it continues texts and knows no chat"):
        client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "Hello"}])


def test_a_wrong_key_is_the_clients_own_error(start_server: Callable[..., Any], model_directory: Path) -> None:
    key = "a-key-of-more-than-16-letters"
    with start_server({"tiny": str(model_directory)}, api_key=key) as locked:
        stranger = openai.OpenAI(base_url=f"{locked.url}/v1", api_key="wrong", max_retries=0)
        with stranger, pytest.raises(openai.AuthenticationError, match="the key is missing or wrong"):
            stranger.models.list()
        with openai.OpenAI(base_url=f"{locked.url}/v1", api_key=key, max_retries=0) as friend:
            assert [model.id for model in friend.models.list()] == ["tiny"]
            assert friend.models.retrieve("tiny").owned_by == "gpt25"


def test_a_stream_that_is_closed_frees_the_server(
    client: openai.OpenAI, server: Any, wait_for: Callable[..., None]
) -> None:
    with client.completions.create(model="tiny", prompt="x", n=32, max_tokens=100, stream=True) as stream:
        next(iter(stream))
    wait_for(lambda: server.serving.driver.answering == 0, "the text is given up")


def test_many_at_a_time_get_what_they_get_alone(server: Any, client: openai.OpenAI) -> None:
    async def ask() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as many:
            asked = [
                many.completions.create(model="tiny", prompt=f"number {number}", seed=number, max_tokens=24)
                for number in range(40)
            ]
            return [answer.choices[0].text for answer in await asyncio.gather(*asked)]

    alone = [
        client.completions.create(model="tiny", prompt=f"number {number}", seed=number, max_tokens=24).choices[0].text
        for number in range(40)
    ]
    assert asyncio.run(ask()) == alone
