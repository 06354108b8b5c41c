"""The answer to a request for completions, whole or piece by piece."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

from gpt25.generation import Piece
from gpt25.server.api.asked_completion import AskedCompletion
from gpt25.server.api.choice_writer import ChoiceWriter, joined
from gpt25.server.driving.answer import Answer
from gpt25.server.metrics import Metrics


class Completion:
    """What is said of the pieces as they come; one id and one shape for all of it."""

    def __init__(self, asked: AskedCompletion, answer: Answer, metrics: Metrics) -> None:
        self._asked = asked
        self._metrics = metrics
        self._began = time.monotonic()
        self._answer = answer
        self._id = f"cmpl-{secrets.token_hex(12)}"
        self._created = int(time.time())
        self._writers: dict[tuple[int, int], ChoiceWriter] = {}
        self._log_probabilities: dict[tuple[int, int], list[float]] = {}
        metrics.prompt_tokens.labels(asked.served.name).inc(asked.prompt_tokens)
        self._has_begun = False
        self.completion_tokens = 0
        """Tokens written so far, those of texts that are not shown too."""

    async def whole(self) -> dict[str, Any]:
        """The complete answer."""
        said: list[dict[int, list[dict[str, Any]]]] = [{} for _ in self._asked.requests]  # by prompt and sample
        async for found in self._answer.pieces():
            for number, piece in found:
                said[number].setdefault(piece.index, []).extend(self._choices(number, piece))
                await asyncio.sleep(0)  # of a thousand prompts all may come at once, and others wait for the event loop
        choices = []
        for number, samples in enumerate(said):
            await asyncio.sleep(0)
            texts = {sample: joined(each) for sample, each in samples.items()}
            for place, sample in enumerate(self._best(number, sorted(texts))):
                choices.append({**texts[sample], "index": number * self._asked.wanted + place})
        return self._object(choices, self._usage())

    async def chunks(self) -> AsyncIterator[list[dict[str, Any]]]:
        """What a stream says: the pieces that are there at a time."""
        async for found in self._answer.pieces():
            yield [self._object([choice], None) for number, piece in found for choice in self._choices(number, piece)]
        if self._asked.include_usage:
            yield [self._object([], self._usage())]

    def _object(self, choices: list[dict[str, Any]], usage: dict[str, int] | None) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "text_completion",
            "created": self._created,
            "model": self._asked.served.name,
            "system_fingerprint": self._asked.served.fingerprint,
            "choices": choices,
            "usage": usage,
        }

    def _usage(self) -> dict[str, int]:
        prompt, completion = self._asked.prompt_tokens, self.completion_tokens
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}

    def _choices(self, number: int, piece: Piece) -> list[dict[str, Any]]:
        """What is said of a piece: itself, and before the first of an echoed text the prompt."""
        key, asked = (number, piece.index), self._asked
        if not self._has_begun:
            self._has_begun = True
            self._metrics.first_token_seconds.labels(asked.served.name).observe(time.monotonic() - self._began)
        self.completion_tokens += len(piece.token_ids)
        self._metrics.completion_tokens.labels(asked.served.name).inc(len(piece.token_ids))
        if asked.chooses_best:
            self._log_probabilities.setdefault(key, []).extend(each.log_probability for each in piece.probabilities)
        if key in self._writers:
            return [self._writers[key].add(piece)]
        index = number * asked.wanted + piece.index
        prompt_ids = asked.requests[number].prompt_ids
        self._writers[key] = ChoiceWriter(index, prompt_ids, asked.served.tokenizer, logprobs=asked.logprobs)
        if not asked.echo:
            return [self._writers[key].add(piece)]
        opening = self._writers[key].opening(self._answer.tickets[number].prompt_probabilities)
        return [joined([opening, self._writers[key].add(piece)])]

    def _best(self, number: int, samples: list[int]) -> list[int]:
        """The samples to show: all in order, or the likeliest by the mean log-probability of their tokens."""
        if not self._asked.chooses_best:
            return samples

        def mean(sample: int) -> float:
            values = self._log_probabilities[number, sample]
            return sum(values) / len(values) if values else -float("inf")

        return sorted(samples, key=mean, reverse=True)[: self._asked.wanted]
