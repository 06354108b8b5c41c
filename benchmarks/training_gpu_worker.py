"""One contender of training_gpu.py: trains without an end, and measures a round whenever a line comes in.

`python training_gpu_worker.py TASK`, TASK being JSON. Answers on standard output: a line when it has warmed up, and one
for every line that it reads, with seconds, tokens and peak memory of a round. It ends with its standard input.
"""

import contextlib
import dataclasses
import importlib.util
import itertools
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers_model import transformers_model

from gpt25.data import Batches, open_shards
from gpt25.model import GPTConfiguration
from gpt25.recipes import load_recipe
from gpt25.records import RunDirectory
from gpt25.runtime import choose_precision, use_fast_allocator
from gpt25.training import BatchConfiguration, Trainer, TrainingConfiguration, TrainingHooks

UNMEASURED = 2  # updates: what was set up since the last round, and what was on its way when it ended
ENDLESS = 1_000_000


class Rounds:
    """Counts updates and measures those of a round; `after_update` does not return when there is no next round."""

    def __init__(self, device: torch.device, *, updates: int, tokens_per_update: int) -> None:
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # what others print must not look like an answer
        self._device = device
        self._updates = updates
        self._tokens = updates * tokens_per_update
        self._count = 0
        self._begin = 0.0
        self._is_warm = False

    def after_update(self) -> None:
        """Count an update, and begin, end or await a round where it is time."""
        self._count += 1
        if self._count == UNMEASURED:
            self._wait()
            if not self._is_warm:
                self._is_warm = True
                self._next({"ready": True})
                return
            if self._device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(self._device)
            self._begin = time.perf_counter()
        elif self._count == UNMEASURED + self._updates:
            self._wait()
            seconds = time.perf_counter() - self._begin
            self._next({"seconds": seconds, "tokens": self._tokens, "peak_bytes": self._peak_bytes()})

    def _next(self, answer: dict[str, Any]) -> None:
        """Answer, give memory that is not needed back to the others, and wait for the next line."""
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()
        self._count = 0
        if not sys.stdin.readline():
            os._exit(0)

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def _peak_bytes(self) -> int:
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # kilobytes on Linux


def ours(task: dict[str, Any], shape: GPTConfiguration, rounds: Rounds) -> None:
    """This package's Trainer, with the optimizer of a recipe."""
    use_fast_allocator()
    recipe = load_recipe("gpt2_124m" if task["contender"].endswith("Muon") else "gpt2_124m_adamw")
    loop: dict[str, Any] = {
        "number_of_updates": ENDLESS,
        "device": task["device"],
        "precision": task["precision"],
        "compile": task["compile"],
        **{f"{name}_interval_in_updates": ENDLESS for name in ("validation", "samples", "checkpoint")},
        **task["changes"].get("loop", {}),
    }
    tokens = task["micro_batches"] * task["rows"] * shape.block_size
    configuration = TrainingConfiguration(
        model=shape,
        data=dataclasses.replace(recipe.data, directory=task["shards"], validation_tokens=shape.block_size),
        batch=BatchConfiguration(tokens_per_update=tokens, micro_batch_rows=task["rows"]),  # no stages: all rows whole
        optimizer=recipe.optimizer,
        schedule=recipe.schedule,
        loop=dataclasses.replace(recipe.loop, **loop),
        speed=dataclasses.replace(recipe.speed, **task["changes"].get("speed", {})),
    )
    kernel = task["changes"].get("attention", {}).get("kernel")
    attention = contextlib.nullcontext() if kernel is None else sdpa_kernel(SDPBackend.__members__[kernel])
    with tempfile.TemporaryDirectory() as folder, attention:
        Trainer(
            configuration,
            run=RunDirectory(Path(folder) / "run"),
            train_shards=open_shards(task["shards"], "train"),
            validation_shards=open_shards(task["shards"], "validation"),
            hooks=TrainingHooks(on_update=lambda row: rounds.after_update()),
        ).train()


def batches_of(task: dict[str, Any], shape: GPTConfiguration) -> Batches:
    """The windows that our trainer reads, in its order."""
    shards = open_shards(task["shards"], "train")
    return Batches(shards, block_size=shape.block_size, seed=1337, vocabulary_size=shape.vocabulary_size)


def nanogpt(task: dict[str, Any], shape: GPTConfiguration, rounds: Rounds) -> None:
    """The model and optimizer of nanoGPT's checkout, in the order of work of its train.py."""
    specification = importlib.util.spec_from_file_location("nanogpt_model", Path(task["nanogpt"]) / "model.py")
    theirs = importlib.util.module_from_spec(specification)
    sys.modules["nanogpt_model"] = theirs  # their dataclass looks its module up
    specification.loader.exec_module(theirs)
    device = torch.device(task["device"])
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    model = theirs.GPT(
        theirs.GPTConfig(
            block_size=shape.block_size,
            vocab_size=50304,  # its own default, GPT-2's 50,257 rounded up
            n_layer=shape.number_of_layers,
            n_head=shape.number_of_heads,
            n_embd=shape.number_of_embedding_dimensions,
            dropout=0.0,
            bias=True,  # as GPT-2 has it
        )
    ).to(device)
    optimizer = model.configure_optimizers(0.1, 6e-4, (0.9, 0.95), device.type)
    run = torch.compile(model) if task["compile"] else model
    precision = choose_precision(device, task["precision"])
    batches, place = batches_of(task, shape), 0

    def fetch() -> tuple[torch.Tensor, torch.Tensor]:
        nonlocal place
        ids, labels = batches.micro_batch(place, task["rows"])
        place += task["rows"]
        if device.type != "cuda":
            return ids, labels
        return tuple(tensor.pin_memory().to(device, non_blocking=True) for tensor in (ids, labels))

    ids, labels = fetch()
    while True:
        for _ in range(task["micro_batches"]):
            with precision.autocast(device):
                _, loss = run(ids, labels)
                loss = loss / task["micro_batches"]
            ids, labels = fetch()  # while the device computes
            loss.backward()
        torch.nn.utils.clip_grad_norm_(run.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        rounds.after_update()


class Windows(torch.utils.data.IterableDataset):
    """The windows of the endless order, as transformers wants them: it shifts the labels itself."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        for place in itertools.count():
            ids = self._batches.micro_batch(place, 1)[0][0]
            yield {"input_ids": ids, "labels": ids}


def transformers_trainer(task: dict[str, Any], shape: GPTConfiguration, rounds: Rounds) -> None:
    """The Trainer of transformers: its loop and model, with fused AdamW and the numbers of the others."""
    import transformers

    class Reporting(transformers.TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            rounds.after_update()

    device = torch.device(task["device"])
    model = transformers_model(shape, use_cache=False)
    with tempfile.TemporaryDirectory() as folder:
        settings = transformers.TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=task["rows"],
            gradient_accumulation_steps=task["micro_batches"],
            max_steps=ENDLESS,
            learning_rate=6e-4,
            weight_decay=0.1,
            adam_beta2=0.95,
            max_grad_norm=1.0,
            optim="adamw_torch_fused" if device.type == "cuda" else "adamw_torch",
            bf16=choose_precision(device, task["precision"]).name == "bfloat16",
            use_cpu=device.type == "cpu",
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )
        windows = Windows(batches_of(task, shape))
        transformers.Trainer(model=model, args=settings, train_dataset=windows, callbacks=[Reporting()]).train()


LOOPS: dict[str, Callable[[dict[str, Any], GPTConfiguration, Rounds], None]] = {
    "transformers Trainer": transformers_trainer,
    "nanoGPT": nanogpt,
    "gpt25 AdamW": ours,
    "gpt25 Muon": ours,
}


def main() -> None:
    """Train until standard input ends."""
    task = json.loads(sys.argv[1])
    shape = GPTConfiguration(**task["shape"])
    torch.manual_seed(0)
    tokens = task["micro_batches"] * task["rows"] * shape.block_size
    rounds = Rounds(torch.device(task["device"]), updates=task["updates"], tokens_per_update=tokens)
    with contextlib.suppress(KeyboardInterrupt):
        LOOPS[task["contender"]](task, shape, rounds)


if __name__ == "__main__":
    main()
