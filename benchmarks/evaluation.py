"""Speed of scoring: this package beside lm-evaluation-harness with its own transformers model, in one run.

    pip install '.[evaluate]' accelerate transformers
    python benchmarks/evaluation.py --data hellaswag_val.jsonl.gz                 # 124M, first 500 items
    python benchmarks/evaluation.py --data hellaswag_val.jsonl.gz --model gpt2 --batch-sizes 8 32 --rounds 3

Both score the same pairs of context and ending, in float32, in one process and with the same number of threads, and
take turns. The harness may choose its batch size: every one that is given is tried, and the fastest counts. What is
timed is encoding and scoring, not loading. Without --model the weights are random, of GPT-2's 124M: the work is the
same. The log-likelihoods of both are compared as well, so that nobody is fast at something else. On a busy machine set
OMP_NUM_THREADS=1 and go by the time on the processor.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from gpt25.evaluation import TASKS, ContinuationScorer, read_examples
from gpt25.evaluation.scoring.encoding import encode_request
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.runtime import describe_machine
from gpt25.tokenizer import Tokenizer
from gpt25.weights import load_pretrained, resolve_model, save_pretrained

Pair = tuple[str, str]
Answers = list[tuple[float, bool]]


def pairs_of(data: str, items: int) -> list[Pair]:
    """Context and ending of every choice of the first items, in lm-evaluation-harness' style."""
    chosen = read_examples(TASKS["hellaswag-harness"], data).choices[:items]
    return [pair for item in chosen for pair in zip(item.contexts, item.continuations, strict=True)]


def our_scoring(directory: Path, pairs: list[Pair]) -> Callable[[], Answers]:
    model, tokenizer = load_pretrained(directory)
    assert tokenizer is not None

    def score() -> Answers:
        requests = [encode_request(tokenizer, *pair, encoding="together") for pair in pairs]
        answers = ContinuationScorer(model).answer(requests)
        return [(answer.log_likelihood, answer.is_greedy) for answer in answers]

    return score


def their_scoring(directory: Path, pairs: list[Pair], batch_size: int) -> Callable[[], Answers]:
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=str(directory), device="cpu", dtype="float32", batch_size=batch_size)
    requests = [Instance("loglikelihood", {}, pair, number) for number, pair in enumerate(pairs)]
    return lambda: model.loglikelihood(requests, disable_tqdm=True)


def timed(score: Callable[[], Answers]) -> tuple[tuple[float, float], Answers]:
    """Seconds on the wall and on the processor, all threads together, and the answers."""
    start, start_on_processor = time.perf_counter(), time.process_time()
    answers = score()
    return (time.perf_counter() - start, time.process_time() - start_on_processor), answers


def _speedup(seconds: dict[str, float]) -> float:
    ours, *theirs = seconds.values()
    return min(theirs) / ours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="HellaSwag's validation set, JSON lines")
    parser.add_argument("--model", help="a MODEL word; without it random weights of the 124M shape")
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 8, 16, 32])
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    pairs = pairs_of(arguments.data, arguments.items)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.model is None:
            directory = Path(folder) / "random"
            model = GPTModel(GPTConfiguration(), generator=torch.Generator().manual_seed(1))
            save_pretrained(model, Tokenizer.gpt2(), directory)
        else:
            directory = resolve_model(arguments.model)
        contenders: dict[str, Callable[[], Answers]] = {"gpt25": our_scoring(directory, pairs)}
        for size in arguments.batch_sizes:
            contenders[f"lm-eval, batch size {size}"] = their_scoring(directory, pairs, size)
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
        answers: dict[str, Any] = {}
        for _ in range(arguments.rounds):
            for name, score in contenders.items():
                took, answers[name] = timed(score)
                seconds[name].append(took)
                print(f"{name}: {took[0]:.1f} s, {took[1]:.1f} s on the processor", flush=True)
    wall = {name: statistics.median(times[0] for times in several) for name, several in seconds.items()}
    processor = {name: statistics.median(times[1] for times in several) for name, several in seconds.items()}
    reference = answers[list(contenders)[-1]]
    largest = max(abs(own[0] - other[0]) for own, other in zip(answers["gpt25"], reference, strict=True))
    same = all(own[1] == other[1] for own, other in zip(answers["gpt25"], reference, strict=True))
    report = {
        "machine": describe_machine(),
        "items": arguments.items,
        "pairs": len(pairs),
        "seconds": wall,
        "processor_seconds": processor,
        "speedup_over_the_fastest_batch_size": _speedup(wall),
        "speedup_in_processor_time": _speedup(processor),
        "largest_difference_in_log_likelihood": largest,
        "greedy_flags_equal": same,
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
