"""From a cold process to the first logits: this package beside transformers, in one run.

    pip install transformers
    python benchmarks/loading.py                                  # random weights of 124M and 774M, both with files
    python benchmarks/loading.py --model gpt2 --rounds 9          # a MODEL word instead
    python benchmarks/loading.py --threads 1                      # steadier where other work shares the processor

Each measurement is a fresh Python process that imports, loads weights and tokenizer, encodes a prompt and computes its
logits in float32 on the processor; the two packages take turns. The files are read once before, so that they are in
the page cache. Time is the parent's clock from starting the process until its logits are there, with the processor's
own seconds beside it. Memory is VmHWM, the most that was resident at once, the pages of mapped files included: of the
whole process, and its increase over the same process after its imports (Python, torch, the package). The logits of
both are compared, so that nobody is fast at something else.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from gpt25.model import PUBLISHED_CONFIGURATIONS, Accounting, GPTModel
from gpt25.runtime import describe_machine
from gpt25.tokenizer import Tokenizer
from gpt25.weights import load_pretrained, resolve_model, save_pretrained

SHAPES = {"124M": "gpt2", "774M": "gpt2-large"}
PROMPT = "Hello, I'm a language model,"
IMPORTS = {
    "gpt25": "from gpt25.weights import load_pretrained",
    "transformers": "from transformers import AutoTokenizer, GPT2LMHeadModel",
}
LOADING = {
    "gpt25": "model, tokenizer = load_pretrained(directory)",
    "transformers": "model = GPT2LMHeadModel.from_pretrained(directory, dtype=torch.float32).eval()\n"
    "tokenizer = AutoTokenizer.from_pretrained(directory)",
}
LOGITS = {"gpt25": "model(indices)", "transformers": "model(indices).logits"}
PROGRAM = """
import json, sys, time
import torch
{imports}

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

directory, prompt = sys.argv[1:]
imported, imported_peak = time.monotonic(), peak()
{loading}
loaded = time.monotonic()
with torch.inference_mode():
    indices = torch.tensor([tokenizer.encode(prompt)])
    last = {logits}[0, -1].tolist()
done, processor = time.monotonic(), time.process_time()
print(json.dumps(dict(imported=imported, loaded=loaded, done=done, processor=processor, imported_peak=imported_peak,
                      peak=peak(), logits=last)))
"""


def measure(package: str, directory: Path, environment: dict[str, str]) -> dict[str, Any]:
    """One process from its start to its first logits: seconds of its stages, bytes, and the logits (vocabulary)."""
    program = PROGRAM.format(imports=IMPORTS[package], loading=LOADING[package], logits=LOGITS[package])
    start = time.monotonic()
    command = [sys.executable, "-c", program, str(directory), PROMPT]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found = json.loads(done.stdout.splitlines()[-1])
    return {
        "seconds": found["done"] - start,
        "seconds_of_imports": found["imported"] - start,
        "seconds_of_loading": found["loaded"] - found["imported"],
        "seconds_of_logits": found["done"] - found["loaded"],
        "processor_seconds": found["processor"],
        "peak_bytes": found["peak"],
        "peak_bytes_over_imports": found["peak"] - found["imported_peak"],
        "logits": torch.tensor(found["logits"]),
    }


def warm(directory: Path) -> None:
    """Read every file once, so that all processes find it in the page cache."""
    for path in directory.iterdir():
        with open(path, "rb") as file:
            while file.read(1 << 24):
                pass


def compare(directory: Path, weight_bytes: int, rounds: int, environment: dict[str, str]) -> dict[str, Any]:
    """Medians of both over rounds in which they take turns, and what they say beside each other."""
    warm(directory)
    runs: dict[str, list[dict[str, Any]]] = {package: [] for package in IMPORTS}
    for number in range(rounds):
        for package in sorted(IMPORTS, reverse=bool(number % 2)):
            runs[package].append(measure(package, directory, environment))
            print(f"{package}: {runs[package][-1]['seconds']:.2f} s", file=sys.stderr, flush=True)
    report: dict[str, Any] = {"weight_bytes": weight_bytes}
    for package, found in runs.items():
        names = [name for name in found[0] if name != "logits"]
        report[package] = {name: statistics.median(run[name] for run in found) for name in names}
        report[package]["peak_over_weights"] = report[package]["peak_bytes"] / weight_bytes
        report[package]["peak_over_imports_over_weights"] = report[package]["peak_bytes_over_imports"] / weight_bytes
    for name in ("seconds", "processor_seconds"):
        ratios = [own[name] / other[name] for own, other in zip(*runs.values(), strict=True)]
        report[f"{name}_ratio"] = statistics.median(ratios)
        report[f"{name}_ratios"] = [min(ratios), max(ratios)]
    differences = [(own["logits"] - other["logits"]).abs().max() for own, other in zip(*runs.values(), strict=True)]
    report["largest_difference_in_logits"] = float(max(differences))
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a MODEL word; without it random weights of the shapes")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, help="threads of both; without it each package's own choice")
    arguments = parser.parse_args()
    threads = {} if arguments.threads is None else {"OMP_NUM_THREADS": str(arguments.threads)}
    environment = {**os.environ, **threads}
    report: dict[str, Any] = {"machine": describe_machine(), "threads": arguments.threads, "rounds": arguments.rounds}
    if arguments.model is not None:
        directory = resolve_model(arguments.model)
        model, _ = load_pretrained(directory)
        weight_bytes = Accounting(model.configuration).parameters * 4
        report[arguments.model] = compare(directory, weight_bytes, arguments.rounds, environment)
    else:
        for shape in arguments.shapes:
            configuration = PUBLISHED_CONFIGURATIONS[SHAPES[shape]]
            with tempfile.TemporaryDirectory() as folder:
                directory = Path(folder) / "model"
                model = GPTModel(configuration, generator=torch.Generator().manual_seed(1))
                save_pretrained(model, Tokenizer.gpt2(), directory)
                del model
                weight_bytes = Accounting(configuration).parameters * 4
                report[shape] = compare(directory, weight_bytes, arguments.rounds, environment)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
