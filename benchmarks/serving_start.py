"""How long a server takes to be ready, and its first clients to their first token, with kernels compiled and not.

    python benchmarks/serving_start.py MODEL [--clients 32] [--precision int8] [--prompt-words 100]

Starts `gpt25 serve MODEL` twice with a cache of Numba's of its own: empty, as after an installation, and as the first
start left it. Each time so many clients ask for a stream as soon as "serving on" is printed. Prints the seconds until
then, and the milliseconds to the first text at the median and at the most, also of as many others who come next.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time

from streaming_client import Stream, stream_completion

NEW_TOKENS = 16


async def ask(port: int, clients: int, words: int, wave: int) -> list[float]:
    """Milliseconds to the first text of clients who come at the same time, each with a prompt of its own."""
    streams = [Stream() for _ in range(clients)]
    bodies = [
        {"prompt": f"{wave}, {n}: " + "so it goes, " * (words // 3), "max_tokens": NEW_TOKENS} for n in range(clients)
    ]
    await asyncio.gather(
        *(stream_completion(port, {**body, "seed": 1}, stream) for body, stream in zip(bodies, streams, strict=True))
    )
    return [1000 * stream.first_seconds for stream in streams]


def measured(options: argparse.Namespace, cache: str) -> str:
    """One row of the table."""
    words = [sys.executable, "-m", "gpt25", "serve", options.model, "--port", "0", "--precision", options.precision]
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    began = time.perf_counter()
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().rpartition(":")[2])
            ready = time.perf_counter() - began
            rounds = [asyncio.run(ask(port, options.clients, options.prompt_words, wave)) for wave in range(2)]
        finally:
            process.terminate()
    figures = [f"{statistics.median(each):,.0f} | {max(each):,.0f}" for each in rounds]
    return " | ".join([f"{ready:.1f}", *figures])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", help="a MODEL, as for gpt25 serve")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--precision", choices=["float32", "int8"], default="int8")
    parser.add_argument("--prompt-words", type=int, default=9)
    options = parser.parse_args()
    print(
        "| kernels | ready, s | first clients p50, ms | most | next clients p50, ms | most |\n|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as cache:
        for state in ("to be compiled", "on the disk"):
            print(f"| {state} | {measured(options, cache)} |", flush=True)


if __name__ == "__main__":
    main()
