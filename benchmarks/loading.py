"""Loading: from a cold process to the first logits, this package beside transformers, in one run on one machine.

    python benchmarks/loading.py                     # both shapes, about 3 minutes on two cores
    python benchmarks/loading.py --shapes 124m --rounds 9

Random weights of the shape are saved once, without a tokenizer, and lie in the system's page cache as after a
download. Every measurement is a process of its own that imports the library, loads the directory in float32 and
computes the logits of eight tokens; the contenders take turns, so that a noisy neighbour meets them all. Peak memory is
the kernel's VmHWM of the whole process: mapped pages of the file count, and so does torch itself, whose part the first
contender, a process that only imports torch, shows. Figures are medians; Linux only.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from gpt25.model import PUBLISHED_CONFIGURATIONS, GPTModel
from gpt25.weights import save_pretrained

SHAPES = {"124m": "gpt2", "774m": "gpt2-large"}
PROGRAMS = {
    "torch alone": "",
    "transformers": """
from transformers import GPT2LMHeadModel
loaded_at = clock()
model = GPT2LMHeadModel.from_pretrained(sys.argv[1], dtype=torch.float32)
with torch.inference_mode():
    model(tokens).logits.sum().item()
""",
    "gpt25": """
from gpt25 import load_pretrained
loaded_at = clock()
model, _ = load_pretrained(sys.argv[1])
with torch.inference_mode():
    model(tokens).sum().item()
""",
}
BEFORE = """
import sys, time
clock = time.perf_counter
began_at = clock()
import torch
loaded_at = imported_at = clock()
tokens = torch.tensor([[15496, 11, 314, 1101, 257, 3303, 2746, 11]])
"""
AFTER = """
import json
ended_at = clock()
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(json.dumps({"total": ended_at - began_at, "torch": imported_at - began_at, "load": ended_at - loaded_at,
                  "peak_bytes": int(peak) * 1024}))
"""


def measure(contender: str, directory: Path) -> dict[str, float]:
    """Seconds and peak bytes of one fresh process."""
    program = BEFORE + PROGRAMS[contender] + AFTER
    done = subprocess.run([sys.executable, "-c", program, str(directory)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{contender} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def compare(shape_name: str, rounds: int) -> None:
    """Print one shape's table, with every contender's figures as ratios to transformers and to the weights' bytes."""
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary) / "model"
        save_pretrained(GPTModel(PUBLISHED_CONFIGURATIONS[SHAPES[shape_name]]), None, directory)
        weight_bytes = (directory / "model.safetensors").stat().st_size
        for contender in PROGRAMS:
            measure(contender, directory)  # the libraries' own files into the page cache
        results: dict[str, list[dict[str, float]]] = {contender: [] for contender in PROGRAMS}
        for _ in range(rounds):
            for contender, measured in results.items():
                measured.append(measure(contender, directory))
    print(f"\n{shape_name}: {weight_bytes:,} bytes of float32 weights, median of {rounds} rounds")
    print(f"{'':14}{'total s':>9}{'ratio':>7}{'load s':>8}{'ratio':>7}{'peak MB':>9}{'/weights':>10}  total of each")
    theirs = {what: statistics.median(one[what] for one in results["transformers"]) for what in ("total", "load")}
    for contender, measured in results.items():
        median = {what: statistics.median(one[what] for one in measured) for what in measured[0]}
        print(
            f"{contender:14}{median['total']:>9.2f}{median['total'] / theirs['total']:>7.2f}{median['load']:>8.2f}"
            f"{median['load'] / theirs['load']:>7.2f}{median['peak_bytes'] / 1e6:>9,.0f}"
            f"{median['peak_bytes'] / weight_bytes:>10.2f}   " + " ".join(f"{one['total']:.2f}" for one in measured)
        )


def main() -> None:
    """Read the words, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--rounds", type=int, default=5)
    words = parser.parse_args()
    print("total: a cold process to first logits; load: without the imports; ratio: to transformers")
    for shape_name in words.shapes:
        compare(shape_name, words.rounds)


if __name__ == "__main__":
    main()
