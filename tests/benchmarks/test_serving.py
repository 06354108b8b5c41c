"""The benchmark of servers: its client, its figures, and how it calls our own server."""

import asyncio
import json
import math
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from gpt25.cli.commands import serve
from gpt25.cli.parsing import known_flags
from gpt25.tokenizer import Tokenizer

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from serving import CONTENDERS, Phase, percentile, phase, prompt
from streaming_client import Stream, stream_completion

sys.path.pop(0)


def event(text: str, finish_reason: str | None = None) -> bytes:
    content = {"choices": [{"index": 0, "text": text, "finish_reason": finish_reason}]}
    return b"data: " + json.dumps(content).encode() + b"\n\n"


EVENTS = b"".join([event("a"), event(""), event(" b"), event("", "length"), b"data: [DONE]\n\n"])


async def stand_in(parts: Iterable[bytes], status: str = "200 OK") -> tuple[asyncio.Server, int, list[Any]]:
    """A server that answers everything with these parts of a chunked body, and keeps what it was asked."""
    asked: list[Any] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = 0
        while line := (await reader.readline()).strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split()[1])
        asked.append(json.loads(await reader.readexactly(length)))
        writer.write(f"HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for part in parts:
            writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    return listening, listening.sockets[0].getsockname()[1], asked


def streamed(parts: Iterable[bytes], status: str = "200 OK") -> tuple[Stream, list[Any]]:
    async def run() -> tuple[Stream, list[Any]]:
        listening, port, asked = await stand_in(parts, status)
        stream = Stream()
        async with listening:
            await stream_completion(port, {"prompt": "x"}, stream)
        return stream, asked

    return asyncio.run(run())


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_events_are_read_however_they_are_cut(size: int) -> None:
    stream, asked = streamed([EVENTS[start : start + size] for start in range(0, len(EVENTS), size)])
    assert asked == [{"prompt": "x", "stream": True}]
    assert (len(stream.arrivals), stream.finish_reason, stream.problem) == (2, "length", None)
    assert len(stream.gaps) == 1
    assert stream.first_seconds > 0


def test_what_a_server_refuses_is_kept() -> None:
    stream, _ = streamed([b"no room"], "429 Too Many Requests")
    assert not stream.is_complete
    assert "status 429" in (stream.problem or "")
    stream, _ = streamed([b'data: {"error": {"message": "gone"}}\n\n'])
    assert "gone" in (stream.problem or "")


def test_all_clients_ask_as_often_as_they_are_to() -> None:
    async def run() -> tuple[Phase, list[Any]]:
        listening, port, asked = await stand_in([EVENTS])
        async with listening:
            return await phase(port, "m", 2, 30, with_long_prompts=False), asked

    found, asked = asyncio.run(run())
    assert len(asked) == len(found.streams) == 64
    assert len({each["prompt"] for each in asked}) == 64
    assert " | 64/64 | " in found.row(1.0)


def test_percentiles() -> None:
    assert [percentile([4, 1, 3, 2], share) for share in (1, 50, 99, 100)] == [1, 2, 4, 4]
    assert math.isnan(percentile([], 50))


def test_prompts_are_the_same_everywhere_and_as_long_as_said() -> None:
    assert prompt(3, 28) == prompt(3, 28) != prompt(4, 28)
    assert len(Tokenizer.gpt2().encode(prompt(0, 850))) == 850


@pytest.mark.parametrize("name", [name for name in CONTENDERS if name.startswith("gpt25")])
def test_our_server_is_called_as_it_is(name: str) -> None:
    words = CONTENDERS[name].command(Path("folder"), 8000, 2)
    flags = {word for word in words if word.startswith("--")}
    assert flags <= set(known_flags(serve, "serve", []))
