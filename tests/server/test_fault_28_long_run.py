"""Fault 28: thousands of streams that are broken off, and then nothing to do."""

import asyncio
import json
import time
import urllib.request
from typing import Any

ABORTED = 2000
BUSY = ("gpt25_answering", 'gpt25_running{model="tiny"}', 'gpt25_waiting{model="tiny"}')
_BODY = json.dumps({"prompt": "x", "max_tokens": 100, "stream": True}).encode()
_REQUEST = (
    b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(_BODY)
) + _BODY


async def break_off(address: tuple[str, int], number: int, *, at_a_time: int = 12) -> None:
    """Begin streams and break them off: some before their first word, some after it."""
    places = asyncio.Semaphore(at_a_time)

    async def one(index: int) -> None:
        async with places:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(_REQUEST)
            if index % 3:
                await reader.read(1 + index % 400)
            writer.transport.abort()

    await asyncio.gather(*map(one, range(number)))


def figures(url: str) -> dict[str, float]:
    with urllib.request.urlopen(f"{url}/metrics", timeout=20) as response:
        lines = response.read().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def settled(url: str) -> dict[str, float]:
    """The figures once nothing is being done."""
    for _ in range(500):
        found = figures(url)
        if not (
            found["gpt25_answering"] or found['gpt25_running{model="tiny"}'] or found['gpt25_waiting{model="tiny"}']
        ):
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def test_thousands_of_broken_streams_leave_no_slot_taken_and_no_memory(server_process: Any) -> None:
    asyncio.run(break_off(server_process.address, 300))
    settled(server_process.url)
    before = server_process.resident_bytes
    asyncio.run(break_off(server_process.address, ABORTED))
    settled(server_process.url)
    assert server_process.resident_bytes - before < 16 << 20
    request = urllib.request.Request(
        f"{server_process.url}/v1/completions", _BODY.replace(b"true", b"false"), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        assert len(json.load(response)["choices"]) == 1


def test_pages_that_are_loaded_again_under_load_take_nothing_from_others(server_process: Any) -> None:
    """Models are never loaded again; the page is, which then breaks off its texts and asks for its files."""
    files = ("/", "/playground/main.js", "/playground/page.css", "/v1/models")

    async def reload(times: int) -> None:
        for _ in range(times):
            await break_off(server_process.address, 2)
            for path in files:
                reader, writer = await asyncio.open_connection(*server_process.address)
                writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
                writer.close()

    async def ask(times: int) -> set[str]:
        body = _BODY.replace(b'"stream": true', b'"seed": 5')
        head = _REQUEST.partition(b"Content-Length")[0] + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        texts = set()
        for _ in range(times):
            reader, writer = await asyncio.open_connection(*server_process.address)
            writer.write(head + body)
            answer = json.loads((await reader.read()).partition(b"\r\n\r\n")[2])
            texts.add(answer["choices"][0]["text"])
            writer.close()
        return texts

    async def together() -> set[str]:
        asking = asyncio.create_task(ask(20))
        await asyncio.gather(*(reload(15) for _ in range(4)))
        return await asking

    assert len(asyncio.run(together())) == 1, "a text changed, or was not written, while others broke off theirs"
    settled(server_process.url)


def test_a_server_with_nothing_to_do_uses_no_processor(server_process: Any) -> None:
    settled(server_process.url)
    time.sleep(0.3)
    before = server_process.processor_seconds
    time.sleep(1.5)
    assert server_process.processor_seconds - before <= 0.02, "the clock of the system has ticks of a hundredth"
