"""How long Muon's step takes, with its options and with its work shared out over ranks, on the processor.

    python benchmarks/muon_sharing.py                      # the quickstart's shape, one rank and two
    python benchmarks/muon_sharing.py --shape gpt2_124m --ranks 2 --rounds 3 --options none

Every rank has the same random weights and gradients of a recipe's shape and takes whole steps of all its optimizers.
The contenders take turns in one process a rank, so that a noisy neighbour meets them all; a step begins when all ranks
are there and ends when the slowest is done. Figures are medians of milliseconds, and the bytes that each rank sends.
"""

import argparse
import dataclasses
import multiprocessing
import os
import socket
import statistics
import time
from typing import Any

import torch

from gpt25.model import GPTModel
from gpt25.recipes import load_recipe
from gpt25.recipes.planning.scaling import muon_rounds
from gpt25.runtime import Ranks, use_fast_allocator
from gpt25.training import Optimizers, TrainingConfiguration
from gpt25.training.optimizers.distributed_orthogonalisation import DistributedOrthogonalisation

CPU = torch.device("cpu")
OPTIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "newton_schulz": {"muon_polynomial": "newton_schulz"},
    "normuon": {"muon_beta_2": 0.95},
    "cautious": {"cautious_weight_decay": True, "weight_decay": 0.1, "muon_weight_decay": 0.1},
    "decay": {"weight_decay": 0.1, "muon_weight_decay": 0.1},
    "all": {"muon_beta_2": 0.95, "cautious_weight_decay": True, "weight_decay": 0.1, "muon_weight_decay": 0.1},
}


def bytes_sent(configuration: TrainingConfiguration, ranks: int) -> int:
    """What one rank sends in a step: its slots, in float32, to each of the others."""
    rounds = muon_rounds(configuration, ranks)
    return sum(4 * each.gathered_elements // len(each.assignments) * (len(each.assignments) - 1) for each in rounds)


def steps(rank: int, number: int, port: int, arguments: argparse.Namespace, answers: Any) -> None:
    """Take turns with all contenders as one rank; the first one answers with the seconds of every step."""
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    use_fast_allocator()
    ranks = Ranks(rank, number, rank)
    ranks.connect(CPU, timeout_seconds=600)
    recipe = load_recipe(arguments.shape)
    model = GPTModel(recipe.model, generator=torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(2)
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)
    modes = ["alone"] if number == 1 else ["alone", "shared"]
    contenders = {}
    for option in arguments.options:
        settings = dataclasses.replace(recipe.optimizer, **OPTIONS[option])
        for mode in modes:
            shared = DistributedOrthogonalisation(ranks, timeout_seconds=600) if mode == "shared" else None
            contenders[option, mode] = Optimizers(model, settings, distributed=shared)
    seconds: dict[tuple[str, str], list[float]] = {contender: [] for contender in contenders}
    for _ in range(1 + arguments.rounds):
        for contender, optimizers in contenders.items():
            ranks.barrier()
            begin = time.perf_counter()
            optimizers.step(learning_rate_factor=1e-3, progress=0.5)
            ranks.barrier()
            seconds[contender].append(time.perf_counter() - begin)
    if ranks.is_first:
        answers.put({contender: times[1:] for contender, times in seconds.items()})  # the first one allocates
    ranks.disconnect()


def measure(number: int, arguments: argparse.Namespace) -> dict[tuple[str, str], list[float]]:
    """The seconds of every contender's steps with so many ranks, one process and one thread for each."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    context = multiprocessing.get_context("fork")  # torch is imported once
    answers = context.SimpleQueue()
    processes = [context.Process(target=steps, args=(rank, number, port, arguments, answers)) for rank in range(number)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit("a rank ended with an error; see above")
    return answers.get()


def main() -> None:
    """Measure with each number of ranks and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", default="quickstart", help="recipe whose model and rates are taken")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=20, help="steps of each contender that are measured")
    parser.add_argument("--options", nargs="+", choices=list(OPTIONS), default=list(OPTIONS))
    arguments = parser.parse_args()
    recipe = load_recipe(arguments.shape)
    print("| ranks | options | every rank does all, ms | shared out, ms | ratio | kB sent by each |")
    print("|---|---|---|---|---|---|")
    for number in arguments.ranks:
        seconds = measure(number, arguments)
        for option in arguments.options:
            alone = 1e3 * statistics.median(seconds[option, "alone"])
            if number == 1:
                print(f"| 1 | {option} | {alone:.1f} | | | |", flush=True)
                continue
            shared = 1e3 * statistics.median(seconds[option, "shared"])
            sent = bytes_sent(recipe, number) / 1e3
            print(
                f"| {number} | {option} | {alone:.1f} | {shared:.1f} | {shared / alone:.2f} | {sent:,.0f} |", flush=True
            )


if __name__ == "__main__":
    main()
