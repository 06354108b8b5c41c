"""Muon distributed over ranks: `python distributed_muon.py RECIPE DIRECTORY`; its test is in optimizers/."""

import hashlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from several_processes import CPU, Scenarios, before_update, fork, free_port, nothing, train

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.recipes import load_recipe
from gpt25.runtime import Ranks
from gpt25.training import OptimizerConfiguration, Optimizers, Trainer
from gpt25.training.optimizers import distributed_orthogonalisation
from gpt25.training.optimizers.distributed_orthogonalisation import DistributedOrthogonalisation

SHAPE = GPTConfiguration(
    block_size=8, vocabulary_size=40, number_of_layers=3, number_of_heads=2, number_of_embedding_dimensions=24
)
SETTINGS = {
    "muon": OptimizerConfiguration(name="muon"),
    "normuon": OptimizerConfiguration(name="muon", muon_beta_2=0.9),
    "soap": OptimizerConfiguration(name="muon", muon_soap_beta_2=0.9, muon_soap_interval_in_updates=2),
    "bfloat16": OptimizerConfiguration(name="muon"),  # multiplied and exchanged as between CUDA GPUs
}
SCENARIOS = {"muon": (1, 2, 4), "normuon": (1, 2, 4, 9), "soap": (1, 2), "bfloat16": (2, 4)}

GATHER = "all_gather_single" if hasattr(torch.distributed, "all_gather_single") else "all_gather_into_tensor"


class Watch:
    """What was computed, sent and waited for, in its order, and the bytes that a rank had gathered afterwards."""

    def __init__(self) -> None:
        self.bytes = 0
        self.events: list[str] = []
        self._gather = getattr(torch.distributed, GATHER)
        self._orthogonalise = distributed_orthogonalisation.orthogonalise
        setattr(torch.distributed, GATHER, self.gather)
        distributed_orthogonalisation.orthogonalise = self.orthogonalise

    def orthogonalise(self, matrices: torch.Tensor, *arguments: Any, **options: Any) -> torch.Tensor:
        self.events.append(f"compute {tuple(matrices.shape[1:])}")
        return self._orthogonalise(matrices, *arguments, **options)

    def gather(self, gathered: torch.Tensor, sent: torch.Tensor, **options: Any) -> Any:
        self.bytes += gathered.numel() * gathered.element_size()
        shape, events = tuple(sent.shape[1:]), self.events
        events.append(f"send {shape}")
        work = self._gather(gathered, sent, **options)

        class Watched:
            def wait(self) -> None:
                events.append(f"wait {shape}")
                work.wait()

        return Watched()


def walk(optimizers: Optimizers, model: GPTModel, steps: range) -> None:
    """The same gradients for whoever walks; the third step is skipped, as after a NaN."""
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        for parameter in model.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        skip = torch.tensor(step == 2)
        optimizers.step(learning_rate_factor=1.0, progress=step / 8, update=step, skip=skip)


def steps_of(ranks: Ranks, name: str, half: Path, *, is_going_on: bool) -> dict[str, Any]:
    """Six steps, from the start or from where four of them were left in `half`; a digest of all that there is then."""
    if name == "bfloat16":
        distributed_orthogonalisation._exchange_dtype = lambda matrix: torch.bfloat16
    model, watch = GPTModel(SHAPE, generator=torch.Generator().manual_seed(1)), Watch()
    distributed = None if ranks.is_alone else DistributedOrthogonalisation(ranks, timeout_seconds=20)
    optimizers = Optimizers(
        model, SETTINGS[name], distributed=distributed, orthogonalise_in_bfloat16=name == "bfloat16"
    )
    if is_going_on:
        tensors = load_file(half)
        model.load_state_dict({key: tensors.pop(key) for key, _ in model.named_parameters()}, strict=False)
        optimizers.load_state(tensors)
    else:
        walk(optimizers, model, range(4))
        if ranks.is_first:
            save_file({**dict(model.named_parameters()), **optimizers.state()}, half)
    walk(optimizers, model, range(4, 6))
    everything = [each.detach().contiguous() for each in (*model.parameters(), *optimizers.state().values())]
    return {
        "digest": hashlib.sha256(b"".join(each.numpy().tobytes() for each in everything)).hexdigest(),
        "weights": [float(each.detach().abs().sum()) for each in model.parameters()],
        "bytes": watch.bytes,
        "events": watch.events,
    }


def together(directory: Path, label: str, number: int, name: str, *, half: str, is_going_on: bool = False) -> None:
    """steps_of by so many ranks; LABEL.json has what each found."""
    port = free_port()

    def work(rank: int) -> dict[str, Any]:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
        ranks = Ranks(rank, number, rank)
        ranks.connect(CPU, timeout_seconds=20)
        return steps_of(ranks, name, directory / f"{half}.safetensors", is_going_on=is_going_on)

    answers = [directory / f"{label}-{rank}.json" for rank in range(number)]
    for process in [fork(lambda rank=rank: work(rank), answers[rank]) for rank in range(number)]:
        os.waitpid(process, 0)
    (directory / f"{label}.json").write_text(json.dumps([json.loads(answer.read_text()) for answer in answers]))


def stopped(trainer: Trainer, ranks: Ranks) -> None:
    """The last rank receives a signal in the fourth update."""
    if ranks.rank == ranks.number_of_ranks - 1:
        before_update(trainer, 4, lambda: os.kill(os.getpid(), signal.SIGINT))


def counted(trainer: Trainer, ranks: Ranks) -> None:
    """Say before the last update what the ones before it exchanged."""
    watch = Watch()
    before_update(trainer, 8, lambda: trainer.hooks.on_message(f"{watch.bytes} bytes"))


def dying(trainer: Trainer, ranks: Ranks) -> None:
    """The second rank dies where it should send what it orthogonalised in its third update."""
    gather, count = getattr(torch.distributed, GATHER), [0]

    def deadly(*tensors: torch.Tensor, **options: Any) -> Any:
        count[0] += 1
        if count[0] == 5:  # two rounds an update
            os.kill(os.getpid(), signal.SIGKILL)
        return gather(*tensors, **options)

    if ranks.rank == 1:
        setattr(torch.distributed, GATHER, deadly)


def all_scenarios(scenarios: Scenarios) -> None:
    """Optimizers by one, two, four and nine ranks; a run that two ranks begin and four end, distributed and not."""
    train(scenarios.changed(loop={"number_of_updates": 2}), scenarios.directory / "warm-up", Ranks(), nothing)
    for name, numbers in SCENARIOS.items():
        for number in numbers:
            together(scenarios.directory, f"{name}-{number}", number, name, half=f"{name}-{number}")
    together(scenarios.directory, "normuon-on", 4, "normuon", half="normuon-2", is_going_on=True)
    scenarios.ranks("distributed", 2, prepare=stopped)
    shutil.copytree(scenarios.directory / "distributed", scenarios.directory / "alone")
    scenarios.ranks("distributed-on", 4, prepare=counted, run="distributed")
    scenarios.ranks("lost", 2, prepare=dying)
    alone = scenarios.changed(speed={"share_orthogonalisation": False})
    scenarios.ranks("alone-on", 4, prepare=counted, run="alone", configuration=alone)


if __name__ == "__main__":
    torch.set_num_threads(1)
    all_scenarios(Scenarios(load_recipe(sys.argv[1]), Path(sys.argv[2])))
