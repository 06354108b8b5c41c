"""How long every command takes to answer --help and a wrong flag, and to write its first token.

    python benchmarks/command_start.py --rounds 5
    python benchmarks/command_start.py --rounds 5 --generate MODEL      # also the time to one new token

Every attempt is a process of its own, all of them taking turns, so that a busy minute falls on all alike. Told are the
median on the clock, and the median on the processor, which another program's work hardly changes.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time

from gpt25.cli.main import COMMANDS


def attempts(model: str | None) -> list[tuple[str, ...]]:
    """The words of every attempt."""
    found = [(name, "--help") for name in COMMANDS]
    # The flags of train have the recipe's defaults, so that a recipe is read before they are known.
    found += [(name, *(("quickstart",) if name == "train" else ()), "--no-such-flag", "1") for name in COMMANDS]
    found += [("--help",), ("no-such-command",)]
    if model is not None:
        found.append(("generate", model, "--prompt", "Hello", "--max-new-tokens", "1", "--seed", "1"))
    return found


def seconds_of(words: tuple[str, ...]) -> tuple[float, float]:
    """One attempt: seconds on the clock and on the processor."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "gpt25", *words],
        check=False,  # a wrong flag ends with 2
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    elapsed, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return elapsed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--generate", metavar="MODEL")
    arguments = parser.parse_args()
    all_words = attempts(arguments.generate)
    measured: dict[tuple[str, ...], list[tuple[float, float]]] = {words: [] for words in all_words}
    for _ in range(arguments.rounds):
        for words in all_words:
            measured[words].append(seconds_of(words))
    print(f"{'command':<36}{'seconds':>9}{'of processor':>14}")
    for words, pairs in measured.items():
        clock, processor = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"{' '.join(words)[:34]:<36}{clock:>9.2f}{processor:>14.2f}")


if __name__ == "__main__":
    main()
