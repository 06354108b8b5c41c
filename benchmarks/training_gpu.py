"""Training speed on a GPU: this package beside nanoGPT and transformers' Trainer, in one run on one device.

    git clone https://github.com/karpathy/nanoGPT ../nanoGPT
    pip install '.[dev]'                                         # transformers and accelerate, for the Trainer
    python benchmarks/training_gpu.py --nanogpt ../nanoGPT           # some ten minutes, most of them compiling
    python benchmarks/training_gpu.py --ablation                     # ours with each optimisation off or on
    python benchmarks/training_gpu.py --device cpu --nanogpt ../nanoGPT      # the same on a processor, a tiny model

Every contender trains the same shape on the same windows of the same text in the same order, in bfloat16 (on a
processor in what suits it), with as many tokens in a micro-batch and in an update, 524,288 on a GPU as the recipes have
it: this package's own `Trainer` with the optimizers of its recipes `gpt2_124m_adamw` and `gpt2_124m`, all of the loop
included; nanoGPT's model, compiled, with its fused AdamW and the loop of its train.py; and `transformers.Trainer` with
GPT2LMHeadModel as it comes. Each is a process of its own that stays, so that it compiles once and its peak of memory is
its own; they take turns, round by round, so that a change of the machine's temper meets them all. Figures are medians
over the rounds.

Of the matrix-product rate, measured on this device in bfloat16, a contender reaches tokens/s times the operations of a
token's forward and backward pass (matrix products alone, of attention the causal half).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from training_gpu_table import print_table, print_verdicts
from training_gpu_variants import ABLATIONS, ADDITIONS, variants

from gpt25.data import prepare, standard_library_documents
from gpt25.model import Accounting, GPTConfiguration
from gpt25.model.configuration import PUBLISHED_CONFIGURATIONS
from gpt25.runtime import choose_device, choose_precision, describe_machine, matrix_product_rate
from gpt25.tokenizer import Tokenizer

SHAPES = {
    **PUBLISHED_CONFIGURATIONS,
    "small": GPTConfiguration(
        block_size=256, number_of_layers=4, number_of_heads=4, number_of_embedding_dimensions=256
    ),
    "tiny": GPTConfiguration(block_size=32, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=32),
}
CONTENDERS = ("transformers Trainer", "nanoGPT", "gpt25 AdamW", "gpt25 Muon")


class Contender:
    """A process that trains for as long as it is asked to."""

    def __init__(self, name: str, task: dict[str, Any], environment: dict[str, str]) -> None:
        self.name = name
        self.rounds: list[dict[str, Any]] = []
        self.problem: str | None = None
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("training_gpu_worker.py")), json.dumps(task)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            text=True,
        )
        self._answer()  # it has warmed up

    def run(self) -> None:
        """One round, unless it has failed before."""
        if self.problem is not None:
            return
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        answer = self._answer()
        if answer is not None:
            self.rounds.append(answer)

    def _answer(self) -> dict[str, Any] | None:
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        self._process.wait()
        self._errors.seek(0)
        self.problem = ([line for line in self._errors.read().splitlines() if line.strip()] or ["it said nothing"])[-1]
        return None

    def end(self) -> None:
        """Let it go."""
        self._process.stdin.close()
        self._process.wait()

    @property
    def rate(self) -> float:
        """Tokens a second, the median of the rounds."""
        return statistics.median(one["tokens"] / one["seconds"] for one in self.rounds)

    @property
    def peak_bytes(self) -> int:
        """The largest of the rounds: what torch allocated on a GPU, the whole process elsewhere."""
        return max(one["peak_bytes"] for one in self.rounds)


def environment_for(device: torch.device) -> dict[str, str]:
    """This process's environment, in which a GPU is the only one: the Trainer would take all that it sees."""
    environment = dict(os.environ)
    if device.type == "cuda":
        visible = environment.get("CUDA_VISIBLE_DEVICES")
        index = device.index or 0
        environment["CUDA_VISIBLE_DEVICES"] = str(index) if visible is None else visible.split(",")[index].strip()
    return environment


def shards_for(arguments: argparse.Namespace) -> Path:
    """Token shards: the ones given, or Python's standard library in GPT-2's tokens, made once in the work directory."""
    if arguments.data is not None:
        return arguments.data
    folder = arguments.work / "standard-library"
    if not folder.is_dir():
        documents = list(standard_library_documents())
        documents = documents[:40] if arguments.shape == "tiny" else documents
        prepare(documents, Tokenizer.gpt2(), folder, validation_fraction=0.1)
    return folder


def tasks(arguments: argparse.Namespace, device: torch.device, shards: Path) -> dict[str, dict[str, Any]]:
    """What each contender is told, by its name."""
    common = {
        "shape": vars(SHAPES[arguments.shape]),
        "shards": str(shards),
        "device": device.type,
        "precision": arguments.precision,
        "compile": device.type == "cuda" or arguments.compile,
        "rows": arguments.micro_batch_rows,
        "micro_batches": arguments.micro_batches,
        "updates": arguments.updates,
        "nanogpt": None if arguments.nanogpt is None else str(arguments.nanogpt),
    }
    if arguments.ablation is None:
        chosen = [name for name in CONTENDERS if name != "nanoGPT" or arguments.nanogpt is not None]
        return {name: {**common, "contender": name, "changes": {}} for name in arguments.contenders or chosen}
    ours = {**common, "contender": f"gpt25 {arguments.optimizer}"}
    return {name: {**ours, "changes": changes} for name, changes in variants(arguments.ablation).items()}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nanogpt", type=Path, help="a checkout of nanoGPT, outside of this project")
    parser.add_argument("--work", type=Path, help="folder for the token shards; a temporary one otherwise")
    parser.add_argument("--data", type=Path, help="token shards of your own, in GPT-2's tokens")
    parser.add_argument("--device", default="auto", help="auto, cuda, cuda:N or cpu")
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    parser.add_argument("--shape", choices=SHAPES, help="gpt2 on a GPU, tiny on a processor, where nothing is said")
    parser.add_argument("--micro-batch-rows", type=int, help="rows at once: 16 on a GPU, 4 on a processor")
    parser.add_argument("--micro-batches", type=int, help="micro-batches of an update: 32 on a GPU, 2 on a processor")
    parser.add_argument("--updates", type=int, help="updates of a round: 3 on a GPU, 4 on a processor")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compile", action="store_true", help="compile ours and nanoGPT on a processor too")
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS)
    parser.add_argument(
        "--ablation",
        nargs="*",
        choices=[*ABLATIONS, *ADDITIONS],
        metavar="OPTIMISATION",
        help=f"ours alone, with each of these optimisations (or every one) switched off: {', '.join(ABLATIONS)}; "
        f"or on, which is off by default: {', '.join(ADDITIONS)}",
    )
    parser.add_argument("--optimizer", choices=("AdamW", "Muon"), default="AdamW", help="of the ablation")
    parser.add_argument("--json", type=Path, help="write everything here as well")
    arguments = parser.parse_args()
    on_gpu = choose_device(arguments.device).type == "cuda"
    arguments.shape = arguments.shape or ("gpt2" if on_gpu else "tiny")
    arguments.micro_batch_rows = arguments.micro_batch_rows or (16 if on_gpu else 4)
    arguments.micro_batches = arguments.micro_batches or (32 if on_gpu else 2)
    arguments.updates = arguments.updates or (3 if on_gpu else 4)
    return arguments


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Start the contenders, let them take turns, print and return what came out."""
    device, shape = choose_device(arguments.device), SHAPES[arguments.shape]
    precision = choose_precision(device, arguments.precision)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else describe_machine()["platform"]
    rate = matrix_product_rate(device, precision.dtype)
    print(f"{name}, torch {torch.__version__}, {precision.name}, matrix products {rate / 1e12:,.2f} TFLOP/s")
    print(
        f"{arguments.shape}: {arguments.micro_batches} micro-batches of {arguments.micro_batch_rows} x "
        f"{shape.block_size} tokens an update, median of {arguments.rounds} rounds of {arguments.updates} updates"
    )
    contenders: list[Contender] = []
    try:
        for label, task in tasks(arguments, device, shards_for(arguments)).items():
            print(f"  {label} warms up", file=sys.stderr, flush=True)
            contenders.append(Contender(label, task, environment_for(device)))
        for number in range(arguments.rounds):
            print(f"  round {number + 1} of {arguments.rounds}", file=sys.stderr, flush=True)
            for contender in contenders:
                contender.run()
    finally:
        for contender in contenders:
            contender.end()
    rows = print_table(contenders, Accounting(shape).training_operations_per_token, rate)
    print_verdicts(rows, device.type)
    return {
        "device": name,
        "torch": torch.__version__,
        "precision": precision.name,
        "matrix_product_flops_per_second": rate,
        "shape": arguments.shape,
        "tokens_per_update": arguments.micro_batches * arguments.micro_batch_rows * shape.block_size,
        "contenders": rows,
    }


def main() -> None:
    """Read the arguments, measure, print."""
    arguments = parse_arguments()
    if arguments.nanogpt is not None and not (arguments.nanogpt / "model.py").is_file():
        raise SystemExit(
            f"{arguments.nanogpt} has no model.py: --nanogpt names a checkout of github.com/karpathy/nanoGPT"
        )
    with tempfile.TemporaryDirectory() as folder:
        arguments.work = arguments.work or Path(folder)
        found = measure(arguments)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
