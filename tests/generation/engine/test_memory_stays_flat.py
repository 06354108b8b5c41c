"""Ten thousand requests, of which some are cancelled, leave nothing behind."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpt25.generation import SamplingSettings
from gpt25.generation.engine import Engine, Request, Ticket, TorchRunner
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer

_ROUNDS, _REQUESTS_OF_A_ROUND = 5, 2_000


def _requests(first: int, number: int) -> Iterator[Request]:
    """Prompts of 1 to 12 bytes and 1 to 3 samples of 1 to 3 tokens, other ones every time."""
    for index in range(first, first + number):
        prompt = tuple((index * 31 + place * 7) % 256 for place in range(1 + index % 12))
        new = 1 + index % 3
        yield Request(prompt, SamplingSettings(max_new_tokens=new, seed=index, samples=1 + index % 3), new)


def _serve(engine: Engine, requests: Iterator[Request], *, cancelled_every: int = 10) -> int:
    """Let all of them run, 32 in the queue at a time; returns how many were given their whole text."""
    tickets: list[Ticket] = []
    finished, is_over = 0, False
    while not (is_over and engine.is_idle):
        while not is_over and len(tickets) < 32:
            request = next(requests, None)
            is_over = request is None
            if request is not None:
                tickets.append(engine.submit(request))
                if request.settings.seed % cancelled_every == 0:
                    engine.cancel(tickets[-1])
        engine.step()
        finished += sum(ticket.is_finished and not ticket.is_cancelled for ticket in tickets)
        tickets = [ticket for ticket in tickets if not ticket.is_finished]
    return finished


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.skipif(sys.platform != "linux", reason="reads how much memory is resident from /proc")
def test_ten_thousand_requests_leave_nothing_behind(tiny_model: GPTModel, byte_tokenizer: Tokenizer) -> None:
    engine = Engine(TorchRunner(tiny_model, slots=32, capacity=16, most_rows=256), byte_tokenizer, end_ids=frozenset())
    objects, resident = [], []
    for number in range(_ROUNDS):
        first = number * _REQUESTS_OF_A_ROUND
        assert _serve(engine, _requests(first, _REQUESTS_OF_A_ROUND)) == _REQUESTS_OF_A_ROUND * 9 // 10
        gc.collect()
        objects.append(len(gc.get_objects()))
        resident.append(_resident_bytes())
    # The first round fills the allocator's pools. One kept object a request would be 6,000, and 1 kB of each 6 MB.
    assert objects[-1] - objects[1] < 400, objects
    assert resident[-1] - resident[1] < 3e6, resident
