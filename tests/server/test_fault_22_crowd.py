"""Fault 22: a thousand clients at once."""

import asyncio
import json
import statistics
import time
from typing import Any

CLIENTS = 1000
ROUNDS = 3
_BODY = json.dumps({"prompt": "crowd", "max_tokens": 6, "seed": 1}).encode()
_REQUEST = (
    b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n" % len(_BODY)
) + _BODY


async def ask(address: tuple[str, int], content: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(content)
    answer = await reader.read()
    writer.close()
    return answer


async def measured_health(address: tuple[str, int], ended: asyncio.Event) -> list[float]:
    seconds = []
    while not ended.is_set():
        began = time.perf_counter()
        assert b" 200 " in await ask(address, b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        seconds.append(time.perf_counter() - began)
        await asyncio.sleep(0.005)
    return seconds


async def crowd(address: tuple[str, int]) -> tuple[list[bytes], list[float]]:
    """The answers that so many clients get who all connect before the first asks, and how long /health takes then."""
    connections = [await asyncio.open_connection(*address) for _ in range(CLIENTS)]
    ended = asyncio.Event()
    health = asyncio.create_task(measured_health(address, ended))
    for _, writer in connections:
        writer.write(_REQUEST)
    answers = await asyncio.gather(*(reader.read() for reader, _ in connections))
    ended.set()
    for _, writer in connections:
        writer.close()
    return answers, await health


def test_a_crowd_is_answered_or_told_to_come_again_and_memory_stays_flat(server_process: Any) -> None:
    resident, seconds = [], []
    for _ in range(ROUNDS):
        answers, health = asyncio.run(crowd(server_process.address))
        seconds += health
        served = [answer for answer in answers if answer.startswith(b"HTTP/1.1 200 ")]
        refused = [answer for answer in answers if answer.startswith(b"HTTP/1.1 429 ")]
        assert len(served) + len(refused) == CLIENTS
        assert len(served) >= 16, "what fits the queue is served"
        assert len(refused) >= 1, "the queue has an end"
        for answer in refused:
            head, _, body = answer.partition(b"\r\n\r\n")
            assert b"retry-after: 1" in head.lower()
            assert json.loads(body)["error"]["code"] == "rate_limit_exceeded"
        texts = {json.loads(answer.partition(b"\r\n\r\n")[2])["choices"][0]["text"] for answer in served}
        assert len(texts) == 1, "a text depends on its seed, and not on its company"
        resident.append(server_process.resident_bytes)
    assert resident[-1] - resident[0] < 16 << 20, resident
    assert statistics.median(seconds) < 0.1, sorted(seconds)[-5:]
