"""From a command to its first token: `gpt25 generate` beside transformers, in one run.

    pip install transformers
    python benchmarks/first_token.py                        # random weights of the 124M, with tokenizer files
    python benchmarks/first_token.py --model gpt2           # a MODEL word that is in the cache, or a directory
    python benchmarks/first_token.py --rounds 9 --threads 2

Each measurement is a whole process that writes one greedy token behind "Hello" and ends: ours the command itself, in
float32 and int8, of transformers a script with the shortest way from a directory to a token. They take turns, the order
turned round in every other round. Before, each has run once, so that files are in the page cache and Numba's code is
kept; that first run of ours is told too. Clock: from the start of the process until it has ended. Processor: what the
operating system counts for it, user and system, of all threads. `--kernels torch` hides the extra `fast` from ours.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from gpt25.model import PUBLISHED_CONFIGURATIONS, GPTModel
from gpt25.runtime import describe_machine
from gpt25.tokenizer import Tokenizer
from gpt25.weights import resolve_model, save_pretrained

PROMPT = "Hello"
TRANSFORMERS = """
import sys
import torch
from transformers import AutoTokenizer, GPT2LMHeadModel

directory, prompt = sys.argv[1:]
model = GPT2LMHeadModel.from_pretrained(directory, dtype=torch.float32).eval()
tokenizer = AutoTokenizer.from_pretrained(directory)
with torch.inference_mode():
    found = model.generate(**tokenizer(prompt, return_tensors="pt"), max_new_tokens=1, do_sample=False)
print(tokenizer.decode(found[0]))
"""
HIDING_NUMBA = (
    "import sys; sys.modules['numba'] = None; sys.argv[0] = 'gpt25'; from gpt25.cli.main import entry_point; "
)


def commands(directory: Path, kernels: str) -> dict[str, list[str]]:
    """What is measured, by the name it has in the table."""
    words = ["generate", str(directory), "--prompt", PROMPT, "--max-new-tokens", "1", "--temperature", "0"]
    start = ["-m", "gpt25"] if kernels == "auto" else ["-c", HIDING_NUMBA + "entry_point()"]
    return {
        "gpt25 float32": [sys.executable, *start, *words, "--precision", "float32"],
        "gpt25 int8": [sys.executable, *start, *words, "--precision", "int8"],
        "transformers": [sys.executable, "-c", TRANSFORMERS, str(directory), PROMPT],
    }


def measure(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """One process: seconds of the clock and of the processor, and what it printed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    clock, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"clock": clock, "processor": processor, "text": done.stdout.strip()}


def compare(directory: Path, arguments: argparse.Namespace, environment: dict[str, str]) -> dict[str, Any]:
    """Medians over rounds in which all take turns, and the ratios of each round to transformers."""
    chosen = commands(directory, arguments.kernels)
    first = {name: measure(command, environment) for name, command in chosen.items()}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in chosen}
    for number in range(arguments.rounds):
        for name in sorted(chosen, reverse=bool(number % 2)):
            runs[name].append(measure(chosen[name], environment))
            print(f"{name}: {runs[name][-1]['clock']:.2f} s, {runs[name][-1]['processor']:.2f} s", file=sys.stderr)
    report: dict[str, Any] = {}
    for name, found in runs.items():
        report[name] = {"first_run": first[name]["clock"], "text": found[0]["text"]}
        for kind in ("clock", "processor"):
            values = [run[kind] for run in found]
            ratios = [run[kind] / other[kind] for run, other in zip(found, runs["transformers"], strict=True)]
            report[name][kind] = statistics.median(values)
            report[name][f"{kind}_range"] = [min(values), max(values)]
            report[name][f"{kind}_over_transformers"] = statistics.median(ratios)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a MODEL word; without it random weights of the 124M")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, help="threads of all; without it each package's own choice")
    parser.add_argument("--kernels", choices=("auto", "torch"), default="auto")
    arguments = parser.parse_args()
    threads = {} if arguments.threads is None else {"OMP_NUM_THREADS": str(arguments.threads)}
    environment = {**os.environ, **threads}
    report: dict[str, Any] = {"machine": describe_machine(), "load": os.getloadavg(), "rounds": arguments.rounds}
    if arguments.model is not None:
        report |= compare(resolve_model(arguments.model), arguments, environment)
    else:
        with tempfile.TemporaryDirectory() as folder:
            directory = Path(folder) / "model"
            model = GPTModel(PUBLISHED_CONFIGURATIONS["gpt2"], generator=torch.Generator().manual_seed(1))
            save_pretrained(model, Tokenizer.gpt2(), directory)
            del model
            report |= compare(directory, arguments, environment)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
