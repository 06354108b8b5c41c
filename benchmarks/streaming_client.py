"""A client of /v1/completions that costs little: plain sockets, and the clock at every event."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any


@dataclass
class Stream:
    """What came of one request."""

    began: float = field(default_factory=time.perf_counter)
    arrivals: list[float] = field(default_factory=list)
    """When each event with text came."""
    finish_reason: str | None = None
    problem: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the text went to its end."""
        return self.finish_reason is not None

    @property
    def first_seconds(self) -> float:
        """From the request to the first text."""
        return self.arrivals[0] - self.began

    @property
    def gaps(self) -> list[float]:
        """Seconds between one event and the next."""
        return [after - before for before, after in pairwise(self.arrivals)]


async def stream_completion(port: int, body: dict[str, Any], stream: Stream) -> None:
    """Ask a server on this machine, and note in `stream` what comes; raises OSError where there is none."""
    content = json.dumps({**body, "stream": True}).encode()
    head = (
        f"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head.encode() + content)
        status = int((await reader.readline()).split()[1])
        while (await reader.readline()).strip():
            pass
        if status != 200:
            stream.problem = f"status {status}: {(await reader.read(2000)).decode(errors='replace')[:200]}"
            return
        async for event in _events(reader):
            _note(event, stream)
    except (asyncio.IncompleteReadError, IndexError) as problem:
        stream.problem = f"{type(problem).__name__} in the answer"
    finally:
        writer.close()


async def _events(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """What stands behind "data:" in the lines of a chunked body."""
    waiting = b""
    while size := int((await reader.readline()).strip() or b"0", 16):
        waiting += await reader.readexactly(size)
        await reader.readline()
        *lines, waiting = waiting.split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip()


def _note(event: bytes, stream: Stream) -> None:
    if event == b"[DONE]":
        return
    content = json.loads(event)
    if "error" in content:
        stream.problem = str(content["error"])[:200]
        return
    for choice in content.get("choices", []):
        if choice.get("text"):
            stream.arrivals.append(time.perf_counter())
        stream.finish_reason = choice.get("finish_reason") or stream.finish_reason
