"""Generation on a processor beside transformers, CTranslate2 and llama.cpp, in one run: tokens per second.

    pip install ctranslate2 llama-cpp-python '.[export,fast]'   # what is missing is left out, and the table says so
    python benchmarks/generation_cpu.py                             # random weights of the 124M; 1, 8 and 32 texts
    python benchmarks/generation_cpu.py --model gpt2 --rounds 5 --threads 2

Every contender is a process that loads the model once and then generates when its turn comes, so that what disturbs
the machine disturbs all. Each text is greedy: 128 new tokens after 32 of its own. The prompt is read before the clock
starts where the contender lets one tell (ours and llama.cpp); elsewhere its share is measured by a run for one token
and taken off. The share of the limit is what a contender's weights take, read once a step, against what one thread per
core reads from main memory in plain sums. The texts of the float32 contenders are compared, so that nobody is fast at
something else.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.runtime import describe_machine
from gpt25.tokenizer import Tokenizer
from gpt25.weights import export_gguf, load_pretrained, save_pretrained

WORKER = Path(__file__).with_name("generation_cpu_worker.py")
CONTENDERS = {  # name: package, bytes of a weight
    "gpt25 float32": ("numba", 4),
    "gpt25 int8": ("numba", 1),
    "gpt25 torch float32": ("torch", 4),
    "transformers float32": ("transformers", 4),
    "ctranslate2 float32": ("ctranslate2", 4),
    "ctranslate2 int8": ("ctranslate2", 1),
    "llama.cpp float16": ("llama_cpp", 2),
    "llama.cpp q8_0": ("llama_cpp", 34 / 32),
}
PROMPT_TOKENS, NEW_TOKENS = 32, 128
AVX2_ONLY = {  # what Numba, torch, oneDNN, MKL and CTranslate2 read; llama.cpp chose when it was built
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+popcnt,+sse2,+sse3,+sse4.1,+sse4.2,+ssse3",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "CT2_FORCE_CPU_ISA": "AVX2",
}


class Contender:
    """A process that generates when asked."""

    def __init__(self, name: str, directory: Path, threads: int, extra: dict[str, str]) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), **extra}
        self.process = subprocess.Popen(
            [sys.executable, WORKER, name, directory, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def generate(self, prompts: list[list[int]]) -> dict[str, Any]:
        """Seconds of the clock and of the processor for all new tokens, and the texts."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"prompts": prompts, "new_tokens": NEW_TOKENS}) + "\n")
        self.process.stdin.flush()
        while not (line := self.process.stdout.readline()).startswith("{"):
            if not line:
                raise RuntimeError(f"a contender has ended: {self.process.args}")
        return json.loads(line)


def read_rate(threads: int) -> float:
    """Bytes a second that sums over a large array read, the best of several."""
    torch.set_num_threads(threads)
    array = torch.ones(1 << 26)
    best = 0.0
    for _ in range(8):
        start = time.perf_counter()
        array.sum()
        best = max(best, array.numel() * 4 / (time.perf_counter() - start))
    return best


def prepare(model_word: str, directory: Path) -> int:
    """Write the model in every contender's format; return how many weights are read for a token."""
    if model_word == "random":
        model = GPTModel(GPTConfiguration(), generator=torch.Generator().manual_seed(0)).eval()
        tokenizer = Tokenizer.gpt2()
    else:
        model, tokenizer = load_pretrained(model_word)
    save_pretrained(model, tokenizer, directory / "model")
    if importlib.util.find_spec("ctranslate2"):
        from ctranslate2.converters import TransformersConverter

        TransformersConverter(str(directory / "model")).convert(str(directory / "ctranslate2"))
    if importlib.util.find_spec("llama_cpp"):
        for kind in ("float16", "q8_0"):
            export_gguf(model, tokenizer, directory / f"{kind}.gguf", dtype_name=kind)
    positions = model.transformer.word_positional_embeddings.weight.numel()
    return sum(parameter.numel() for parameter in model.parameters()) - positions


def measured(
    contenders: dict[str, Contender], prompts: list[list[int]], rounds: int
) -> dict[str, list[dict[str, Any]]]:
    """What every contender took for these prompts, in turns; the first turn warms up."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, contender in contenders.items():
            result = contender.generate(prompts)
            if turn:
                found[name].append(result)
    return found


def agreement(found: dict[str, list[dict[str, Any]]], name: str, other: str) -> str:
    """How many tokens two contenders wrote alike before their texts part."""
    if name not in found or other not in found:
        return "not measured"
    same = total = 0
    for left, right in zip(found[name][0]["texts"], found[other][0]["texts"], strict=True):
        same += next(
            (place for place, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), len(left)
        )
        total += len(left)
    return f"{same} of {total}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="random", help="random, or a MODEL word")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--only", nargs="+", default=list(CONTENDERS))
    parser.add_argument(
        "--avx2-only", action="store_true", help="let nobody use wider instructions; llama.cpp, who cannot, stays out"
    )
    arguments = parser.parse_args()
    asked = [name for name in arguments.only if not (arguments.avx2_only and CONTENDERS[name][0] == "llama_cpp")]
    names = [name for name in asked if importlib.util.find_spec(CONTENDERS[name][0])]
    missing = sorted({CONTENDERS[name][0] for name in asked} - {CONTENDERS[name][0] for name in names})
    extra = AVX2_ONLY if arguments.avx2_only else {}
    print(
        json.dumps(describe_machine()), f"\n{arguments.threads} threads, medians of {arguments.rounds} rounds in turns"
    )
    if missing:
        print("not installed, so left out:", ", ".join(missing))
    limit = read_rate(arguments.threads)
    print(f"main memory read at {limit / 1e9:.1f} GB/s", flush=True)
    prompts = np.random.default_rng(0).integers(0, 50000, (max(arguments.batches), PROMPT_TOKENS)).tolist()
    with tempfile.TemporaryDirectory() as folder:
        weights = prepare(arguments.model, Path(folder))
        contenders = {name: Contender(name, Path(folder), arguments.threads, extra) for name in names}
        for batch in arguments.batches:
            found = measured(contenders, prompts[:batch], arguments.rounds)
            show(found, batch, weights, limit)
        for contender in contenders.values():
            contender.process.terminate()


def show(found: dict[str, list[dict[str, Any]]], batch: int, weights: int, limit: float) -> None:
    print(f"\n| {batch} texts | tokens/s | smallest to largest | a processor second | share of the limit |")
    print("|---|---|---|---|---|")
    for name, results in found.items():
        rates = [batch * (NEW_TOKENS - 1) / result["seconds"] for result in results]
        processor = [batch * (NEW_TOKENS - 1) / result["processor_seconds"] for result in results]
        rate = statistics.median(rates)
        share = rate / batch * weights * CONTENDERS[name][1] / limit
        print(
            f"| {name} | {rate:.1f} | {min(rates):.1f} to {max(rates):.1f} | "
            f"{statistics.median(processor):.1f} | {share:.0%} |"
        )
    print(
        "tokens alike before they part: gpt25 float32 and transformers "
        f"{agreement(found, 'gpt25 float32', 'transformers float32')}; gpt25 int8 and float32 "
        f"{agreement(found, 'gpt25 int8', 'gpt25 float32')}",
        flush=True,
    )


if __name__ == "__main__":
    main()
