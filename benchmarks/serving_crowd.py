"""How a server bears a crowd: a thousand clients at once, a thousand that dribble, and streams that are broken off.

    python benchmarks/serving_crowd.py MODEL [--clients 1000] [--rounds 3] [--slots 8]

Starts `gpt25 serve MODEL`, and prints what the clients got, how long /health took meanwhile (asked by a process of its
own), and the memory of the server after every round.
"""

import argparse
import asyncio
import collections
import json
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

TOKENS = 16
Address = tuple[str, int]


def request(**fields: object) -> bytes:
    body = json.dumps({"prompt": "Once upon a time", "max_tokens": TOKENS, "seed": 1, **fields}).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Content-Type: application/json\r\nConnection: close\r\n\r\n".encode() + body


@contextmanager
def server(model: str, slots: int) -> Iterator[tuple[psutil.Process, Address]]:
    words = [sys.executable, "-m", "gpt25", "serve", model, "--port", "0", "--slots", str(slots)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            host, _, port = process.stdout.readline().strip().rpartition("/")[2].rpartition(":")
            yield psutil.Process(process.pid), (host, int(port))
        finally:
            process.terminate()


def watch_health(url: str) -> None:
    """Ask until somebody closes standard input's other end; print the milliseconds."""
    while True:
        began = time.perf_counter()
        urllib.request.urlopen(f"{url}/health", timeout=60).read()
        print(1000 * (time.perf_counter() - began), flush=True)
        time.sleep(0.01)


@contextmanager
def health(address: Address) -> Iterator[list[float]]:
    """Milliseconds that /health takes while something else goes on, known once that has ended."""
    url, found = f"http://{address[0]}:{address[1]}", []
    with subprocess.Popen([sys.executable, __file__, "--health", url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield found
        process.terminate()
        found += [float(line) for line in process.stdout.read().split()[:-1]]


async def crowd(address: Address, clients: int) -> collections.Counter[str]:
    connections = [await asyncio.open_connection(*address) for _ in range(clients)]
    for _, writer in connections:
        writer.write(request())
    answers = await asyncio.gather(*(reader.read() for reader, _ in connections))
    for _, writer in connections:
        writer.close()
    return collections.Counter(answer[9:12].decode() for answer in answers)


async def dribblers(address: Address, clients: int) -> list[float]:
    """Seconds after which each of those who never end their request was cut off."""

    async def one() -> float:
        reader, writer = await asyncio.open_connection(*address)
        began = time.perf_counter()
        writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: ")
        reading = asyncio.create_task(reader.read())
        while not reading.done():
            writer.write(b"a")
            await asyncio.wait({reading}, timeout=0.5)
        reading.exception()  # a connection that is reset is cut off too
        writer.close()
        return time.perf_counter() - began

    return await asyncio.gather(*(one() for _ in range(clients)))


async def broken(address: Address, clients: int) -> None:
    places = asyncio.Semaphore(32)

    async def one() -> None:
        async with places:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(request(stream=True, max_tokens=200))
            await reader.read(300)
            writer.transport.abort()

    await asyncio.gather(*(one() for _ in range(clients)))


def main(model: str, clients: int, rounds: int, slots: int) -> None:
    with server(model, slots) as (process, address):
        print(f"loaded: {process.memory_info().rss >> 20} MiB")
        for number in range(rounds):
            with health(address) as milliseconds:
                began = time.perf_counter()
                statuses = asyncio.run(crowd(address, clients))
                seconds = time.perf_counter() - began
            worst = statistics.quantiles(milliseconds, n=100)[-1]
            print(
                f"round {number + 1}: {dict(statuses)} in {seconds:.1f} s, /health p50 "
                f"{statistics.median(milliseconds):.1f} ms, p99 {worst:.1f} ms of {len(milliseconds)}, "
                f"{process.memory_info().rss >> 20} MiB"
            )
        seconds_each = asyncio.run(dribblers(address, clients))
        print(f"{clients} heads that never end: cut off after {min(seconds_each):.1f} to {max(seconds_each):.1f} s")
        asyncio.run(broken(address, clients))
        time.sleep(2)
        used = sum(process.cpu_times()[:2])
        time.sleep(10)
        idle = sum(process.cpu_times()[:2]) - used
        print(f"after {clients} broken streams: {process.memory_info().rss >> 20} MiB, {idle:.2f} s of 10 s idle")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="gpt2")
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--health")
    arguments = parser.parse_args()
    if arguments.health:
        watch_health(arguments.health)
    else:
        main(arguments.model, arguments.clients, arguments.rounds, arguments.slots)
