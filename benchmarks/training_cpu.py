"""Training speed and memory on the processor: this package beside transformers, in one run on one machine.

    python benchmarks/training_cpu.py                    # both shapes, about 15 minutes on two cores
    python benchmarks/training_cpu.py --shapes quickstart --rounds 5

Every contender trains the same shape on the same random tokens in the same precision: `transformers.GPT2LMHeadModel`
with `torch.optim.AdamW`, and this package's model, loss and optimizers. Each measurement is a process of its own, so
that peak memory is its own; the contenders take turns, so that a noisy neighbour meets them all. Figures are medians.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from transformers_model import transformers_model

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.recipes import load_recipe
from gpt25.runtime import Precision, choose_precision, use_fast_allocator
from gpt25.training import LossModule, OptimizerConfiguration, Optimizers

CONTENDERS = ("transformers+adamw", "gpt25+adamw", "gpt25+muon")


def shape_and_rows(name: str) -> tuple[GPTConfiguration, int]:
    """The configuration and the rows of one micro-batch: "quickstart" as its recipe has it, "124m" with 4 × 1024."""
    if name == "124m":
        return GPTConfiguration(), 4
    recipe = load_recipe("quickstart")
    return recipe.model, recipe.rows_per_update


def transformers_step(shape: GPTConfiguration, precision: Precision) -> Callable[[torch.Tensor], None]:
    """One update as a transformers user writes it."""
    model = transformers_model(shape).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.1)

    def step(tokens: torch.Tensor) -> None:
        indices = tokens[:, :-1].contiguous()
        with precision.autocast(torch.device("cpu")):
            loss = model(indices, labels=indices).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def our_step(shape: GPTConfiguration, precision: Precision, optimizer: str) -> Callable[[torch.Tensor], None]:
    """One update as this package's trainer does it."""
    use_fast_allocator()
    model = GPTModel(shape).train()
    optimizers = Optimizers(model, OptimizerConfiguration(name="muon" if optimizer == "muon" else "adamw"))
    loss_module = LossModule(model, precision=precision)

    def step(tokens: torch.Tensor) -> None:
        loss_module(tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizers.step(learning_rate_factor=1.0, progress=0.5)
        optimizers.zero_gradients()

    return step


def measure(contender: str, shape_name: str, precision_name: str, updates: int) -> dict[str, float]:
    """Seconds of the median update and peak memory of this process, after one update that is not counted."""
    torch.manual_seed(0)
    shape, rows = shape_and_rows(shape_name)
    precision = choose_precision(torch.device("cpu"), precision_name)
    library, _, optimizer = contender.partition("+")
    step = transformers_step(shape, precision) if library == "transformers" else our_step(shape, precision, optimizer)
    tokens = torch.randint(shape.vocabulary_size, (rows, shape.block_size + 1))  # (rows, block size + 1)
    durations = []
    for _ in range(updates + 1):
        begin = time.perf_counter()
        step(tokens)
        durations.append(time.perf_counter() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # kilobytes on Linux
    return {"seconds": statistics.median(durations[1:]), "peak_bytes": peak, "tokens": rows * shape.block_size}


def measure_in_process(contender: str, shape_name: str, precision_name: str, updates: int) -> dict[str, float]:
    """The same in a process of its own."""
    arguments = ["--one", contender, "--shapes", shape_name, "--precision", precision_name, "--updates", str(updates)]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{contender} on {shape_name} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def compare(shape_name: str, precision_name: str, rounds: int, updates: int) -> None:
    """Print one shape's table: tokens/s and peak memory of every contender, and both as ratios to transformers."""
    results: dict[str, list[dict[str, float]]] = {contender: [] for contender in CONTENDERS}
    for _ in range(rounds):
        for contender in CONTENDERS:
            results[contender].append(measure_in_process(contender, shape_name, precision_name, updates))
    shape, rows = shape_and_rows(shape_name)
    print(
        f"\n{shape_name}: {shape.number_of_layers} layers x {shape.number_of_embedding_dimensions} channels, "
        f"vocabulary {shape.vocabulary_size:,}, {rows} x {shape.block_size} tokens an update, {precision_name}, "
        f"median of {rounds} rounds of {updates} updates"
    )
    print(f"{'':20}{'tokens/s':>10}{'ratio':>8}{'peak MB':>10}{'ratio':>8}   tokens/s of every round")
    base_rate = base_peak = 0.0
    for contender, measured in results.items():
        rates = [one["tokens"] / one["seconds"] for one in measured]
        rate, peak = statistics.median(rates), statistics.median(one["peak_bytes"] for one in measured)
        base_rate, base_peak = base_rate or rate, base_peak or peak
        print(
            f"{contender:20}{rate:>10,.0f}{rate / base_rate:>8.2f}{peak / 1e6:>10,.0f}{peak / base_peak:>8.2f}   "
            + " ".join(f"{one:,.0f}" for one in rates)
        )


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", choices=("quickstart", "124m"), default=["quickstart", "124m"])
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--updates", type=int, help="updates per round; 20 for the quickstart's shape, 2 for 124m")
    parser.add_argument("--one", choices=CONTENDERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments.shapes[0], arguments.precision, arguments.updates)))
        return
    precision = choose_precision(torch.device("cpu"), arguments.precision)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {precision.name}: {precision.reason}")
    for shape_name in arguments.shapes:
        compare(
            shape_name, precision.name, arguments.rounds, arguments.updates or (20 if shape_name == "quickstart" else 2)
        )


if __name__ == "__main__":
    main()
