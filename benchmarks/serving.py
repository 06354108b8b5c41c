"""Servers beside one another under 32 clients who stream: ours, transformers' and llama.cpp's.

    pip install '.[serve,export,fast]' 'transformers[serving]'
    pip install --target llama 'llama-cpp-python[server]'         # apart from the rest: it brings its own web server
    python benchmarks/serving.py --llama-cpp llama                # random weights of the 124M
    python benchmarks/serving.py --only "gpt25 float32" --requests 1

Each server runs alone, with the same model, the same texts and as many threads; the clients share its machine. Every
client sends its next request when the last one is answered. Before the clock starts all of them ask for a few tokens
once, and a long prompt is sent, so that nothing is compiled or allocated while it runs. A second phase does the same
while prompts of about 850 tokens arrive one after another, half a second after the last was answered. Tokens are those
that were asked for, of requests that went to their end; times are of events as they arrive. What ends a phase early is
its limit of seconds: then the events so far are counted. Memory is the most that the server and its children held
(VmHWM).
"""

import argparse
import asyncio
import contextlib
import importlib.util
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from streaming_client import Stream, stream_completion

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.runtime import describe_machine
from gpt25.tokenizer import Tokenizer
from gpt25.weights import export_gguf, load_pretrained, save_pretrained

CLIENTS, NEW_TOKENS, WORDS_OF_A_PROMPT = 32, 64, 28
LONG_PROMPT_WORDS, TOKENS_BEHIND_A_LONG_PROMPT, PAUSE_SECONDS = 850, 4, 0.5
WORDS = (
    "time year people way day man thing woman life child world school state family student group country problem",
    "hand part place case week company system program question work government number night point home water room",
)
READY_SECONDS = 300


@dataclass(frozen=True)
class Contender:
    """A server, and how it is started: from the folder of models and a port to words."""

    needs: str
    model: str
    command: Callable[[Path, int, int], list[str]]


def ours(precision: str) -> Callable[[Path, int, int], list[str]]:
    return lambda folder, port, _threads: [
        *(sys.executable, "-m", "gpt25", "serve", f"model={folder / 'model'}", "--port", str(port)),
        *("--precision", precision, "--device", "cpu", "--slots", str(CLIENTS)),
    ]


def transformers_server(*more: str) -> Callable[[Path, int, int], list[str]]:
    start = "from transformers.cli.transformers import main; main()"
    return lambda folder, port, _threads: [
        *(sys.executable, "-c", start, "serve", str(folder / "model"), "--port", str(port)),
        *("--device", "cpu", "--dtype", "float32", *more),
    ]


def llama_server(folder: Path, port: int, threads: int) -> list[str]:
    return [
        *(sys.executable, "-m", "llama_cpp.server", "--model", str(folder / "float16.gguf"), "--port", str(port)),
        *("--n_ctx", "1024", "--n_threads", str(threads), "--n_threads_batch", str(threads)),
        *("--interrupt_requests", "false", "--verbose", "false"),
    ]


CONTENDERS = {
    "gpt25 float32": Contender("fastapi", "model", ours("float32")),
    "gpt25 int8": Contender("fastapi", "model", ours("int8")),
    "transformers float32": Contender("transformers", "{model}", transformers_server()),
    "transformers float32, continuous batching": Contender(
        "transformers",
        "{model}",
        transformers_server(
            *("--continuous-batching", "--attn-implementation", "sdpa", "--cb-block-size", "256"),
            *("--cb-num-blocks", str(CLIENTS * 4), "--cb-max-batch-tokens", "512"),  # by itself it takes all memory
        ),
    ),
    "llama.cpp float16": Contender("llama_cpp", "model", llama_server),
}


@dataclass
class Phase:
    """What the clients saw."""

    seconds: float
    streams: list[Stream]
    long_streams: list[Stream] = field(default_factory=list)

    def row(self, memory: float) -> str:
        """The cells of a table."""
        tokens = sum(NEW_TOKENS if each.is_complete else len(each.arrivals) for each in self.streams)
        first = [1000 * each.first_seconds for each in self.streams if each.arrivals]
        gaps = [1000 * gap for each in self.streams for gap in each.gaps]
        whole = sum(each.is_complete for each in self.streams)
        problems = sorted({each.problem for each in self.streams if each.problem})
        cells = [f"{tokens / self.seconds:.0f}", f"{whole}/{len(self.streams)}"]
        cells += [f"{percentile(first, share):,.0f}" for share in (50, 99)]
        cells += [f"{percentile(gaps, share):,.0f}" for share in (50, 99)]
        cells.append(f"{percentile(gaps, 99) / max(percentile(gaps, 50), 1e-9):.1f}")
        answered = [each.first_seconds for each in self.long_streams if each.arrivals]
        cells.append(f"{1000 * statistics.median(answered):,.0f} ({len(answered)})" if answered else "")
        return " | ".join([*cells, f"{memory:,.0f}"]) + (f" | {problems[0]}" if problems else "")


def percentile(values: list[float], share: int) -> float:
    """The value that `share` of a hundred do not exceed: percentile([1, 2, 3, 4], 50) -> 2."""
    ordered = sorted(values)
    return ordered[max(0, -(-share * len(ordered) // 100) - 1)] if ordered else float("nan")


def prompt(number: int, words: int) -> str:
    """The same text for every server: words of one token each."""
    chosen = random.Random(number)
    return " ".join(chosen.choice(" ".join(WORDS).split()) for _ in range(words))


def prepare(word: str, folder: Path) -> None:
    """Write the model in every server's format."""
    if word == "random":
        model = GPTModel(GPTConfiguration(), generator=torch.Generator().manual_seed(0)).eval()
        tokenizer = Tokenizer.gpt2()
    else:
        model, tokenizer = load_pretrained(word)
    save_pretrained(model, tokenizer, folder / "model")
    export_gguf(model, tokenizer, folder / "float16.gguf", dtype_name="float16")


async def warm_up(port: int, model: str) -> None:
    """Let every client ask once for a few tokens, and send one long prompt."""
    bodies = [
        {"model": model, "prompt": prompt(-2 - number, words), "max_tokens": 4, "temperature": 0}
        for number, words in enumerate([*[WORDS_OF_A_PROMPT] * CLIENTS, LONG_PROMPT_WORDS])
    ]
    asked = [asyncio.create_task(stream_completion(port, body, Stream())) for body in bodies]
    _, late = await asyncio.wait(asked, timeout=READY_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)


async def phase(port: int, model: str, requests: int, limit_seconds: float, *, with_long_prompts: bool) -> Phase:
    """Let all clients ask, and long prompts arrive meanwhile where they are to."""
    streams: list[Stream] = []
    long_streams: list[Stream] = []

    async def ask(number: int, words: int, new_tokens: int, into: list[Stream]) -> None:
        body = {"model": model, "prompt": prompt(number, words), "max_tokens": new_tokens, "temperature": 0}
        stream = Stream()
        into.append(stream)
        await stream_completion(port, body, stream)

    async def client(number: int) -> None:
        for turn in range(requests):
            await ask(100 * turn + number, WORDS_OF_A_PROMPT, NEW_TOKENS, streams)

    async def long_prompts() -> None:
        for number in range(10_000):
            await asyncio.sleep(PAUSE_SECONDS)
            await ask(1_000_000 + number, LONG_PROMPT_WORDS, TOKENS_BEHIND_A_LONG_PROMPT, long_streams)

    began = time.perf_counter()
    beside = asyncio.create_task(long_prompts()) if with_long_prompts else None
    clients = [asyncio.create_task(client(number)) for number in range(CLIENTS)]
    _, late = await asyncio.wait(clients, timeout=limit_seconds)
    seconds = time.perf_counter() - began
    unfinished = [*late, *([beside] if beside else [])]
    for task in unfinished:
        task.cancel()
    await asyncio.gather(*unfinished, return_exceptions=True)
    return Phase(seconds, streams, long_streams)


async def wait_until_ready(port: int, model: str, server: subprocess.Popen[bytes]) -> None:
    """Return when a first text has come; raises where the server ends before."""
    limit = time.monotonic() + READY_SECONDS
    body = {"model": model, "prompt": prompt(-1, WORDS_OF_A_PROMPT), "max_tokens": 8, "temperature": 0}
    stream = Stream()
    while time.monotonic() < limit:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with {server.returncode}")
        stream = Stream()
        with contextlib.suppress(OSError):  # nobody listens yet
            await asyncio.wait_for(stream_completion(port, body, stream), 120)
        if stream.is_complete:
            return
        await asyncio.sleep(0.5)
    raise RuntimeError(f"the server does not write: {stream.problem}")


def memory_of(process: int) -> float:
    """The most MB that a process and its children have held."""
    own = 0
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            own = int(line.split()[1])
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return own / 1024 + sum(memory_of(int(child)) for child in children)


def measured(contender: Contender, folder: Path, port: int, options: argparse.Namespace) -> list[tuple[str, str]]:
    """Start a server, let the clients ask, and end it."""
    threads = {name: str(options.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")}
    environment = {**os.environ, **threads, "HF_HUB_OFFLINE": "1"}
    if contender.needs == "llama_cpp" and options.llama_cpp:
        environment["PYTHONPATH"] = str(options.llama_cpp.resolve())
    model = contender.model.format(model=folder / "model")
    with (folder / "server.log").open("wb") as log:
        command = contender.command(folder, port, options.threads)
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            asyncio.run(wait_until_ready(port, model, server))
            asyncio.run(warm_up(port, model))
            rows = []
            for kind, with_long_prompts in (("32 clients", False), ("32 clients and long prompts", True)):
                found = asyncio.run(
                    phase(port, model, options.requests, options.limit_seconds, with_long_prompts=with_long_prompts)
                )
                rows.append((kind, found.row(memory_of(server.pid))))
            return rows
        except RuntimeError as problem:
            ending = (folder / "server.log").read_text(errors="replace").strip().splitlines()[-3:]
            return [("left out", f"{problem}; {' / '.join(ending)}")]
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def is_there(needs: str, llama_cpp: Path | None) -> bool:
    """Whether the package of a contender can be imported by its server."""
    if needs == "llama_cpp" and llama_cpp is not None:
        return (llama_cpp / "llama_cpp").is_dir()
    return importlib.util.find_spec(needs) is not None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="random", help="a MODEL word, or random: the 124M with random weights")
    parser.add_argument("--requests", type=int, default=2, help="requests of every client in a phase")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--limit-seconds", type=float, default=150.0, help="longest that a phase may take")
    parser.add_argument("--llama-cpp", type=Path, help="folder of pip install --target for llama-cpp-python[server]")
    parser.add_argument("--only", action="append", choices=list(CONTENDERS), help="may be given several times")
    parser.add_argument("--port", type=int, default=18_200, help="the first of those that are used, one each")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that its server ends with it
    print(describe_machine(), f"load {os.getloadavg()}", sep="\n")
    print("| server | load | tokens/s | whole | first token ms p50 | p99 | between tokens ms p50 | p99 | p99/p50 "
          "| first token of long prompts ms (count) | MB |")  # fmt: skip
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepare(options.model, folder)
        for number, name in enumerate(options.only or CONTENDERS):
            contender = CONTENDERS[name]
            if not is_there(contender.needs, options.llama_cpp):
                print(f"| {name} | left out: {contender.needs} is not installed |", flush=True)
                continue
            for kind, row in measured(contender, folder, options.port + number, options):
                print(f"| {name} | {kind} | {row} |", flush=True)
    print(f"load {os.getloadavg()}")


if __name__ == "__main__":
    main()
