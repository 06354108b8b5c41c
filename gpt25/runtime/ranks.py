"""Which of several equal processes this one is, and the few things that they tell each other."""

import datetime
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed
from torch.distributed.rendezvous import rendezvous

from gpt25.errors import ConfigurationError, TrainingError

DEFAULT_TIMEOUT_SECONDS = 600.0


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment[name]
    if not text.isdecimal():
        raise ConfigurationError(f"the environment's {name} is {text!r}, which is not a number: start with torchrun")
    return int(text)


@dataclass(frozen=True)
class Ranks:
    """This process's place among all that train together; by default it is alone, and every method is then local."""

    rank: int = 0
    number_of_ranks: int = 1
    local_rank: int = 0
    """The rank on this machine, which is also the index of its GPU."""

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.number_of_ranks or self.local_rank < 0:
            raise ConfigurationError(
                f"rank {self.rank} (local rank {self.local_rank}) of {self.number_of_ranks} cannot be: "
                "ranks count from 0; start with torchrun"
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Ranks":
        """What torchrun wrote into the environment (RANK, WORLD_SIZE, LOCAL_RANK); alone where it wrote nothing."""
        environment = os.environ if environment is None else environment
        if "RANK" not in environment and "WORLD_SIZE" not in environment:
            return cls()
        missing = [name for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK") if name not in environment]
        if missing:
            raise ConfigurationError(
                f"the environment has {', '.join(sorted({'RANK', 'WORLD_SIZE', 'LOCAL_RANK'} - {*missing}))} "
                f"but not {', '.join(missing)}: start with torchrun, or unset all three"
            )
        return cls(*(_number(environment, name) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")))

    @property
    def is_first(self) -> bool:
        """Whether this rank writes the files and the messages."""
        return self.rank == 0

    @property
    def is_alone(self) -> bool:
        """Whether this is the only rank."""
        return self.number_of_ranks == 1

    def device_for(self, device: torch.device) -> torch.device:
        """This rank's own device: for "cuda" without an index, the GPU of the local rank."""
        if str(device) == "cuda":
            return torch.device("cuda", self.local_rank)
        return device

    def connect(self, device: torch.device, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        """Meet the other ranks (gloo for processors, nccl for CUDA GPUs); a no-op for one rank.

        A rank that then dies or hangs makes every other one fail after `timeout_seconds`. Raises TrainingError, naming
        the rank and the rendezvous address, when the others do not come.
        """
        if self.is_alone:
            return
        if device.type == "cuda":
            self._take_gpu(self.device_for(device))
        timeout = datetime.timedelta(seconds=timeout_seconds)
        try:
            torch.distributed.init_process_group(
                "nccl" if device.type == "cuda" else "gloo",
                store=self._rendezvous_store(timeout),
                rank=self.rank,
                world_size=self.number_of_ranks,
                timeout=timeout,
            )
        except (RuntimeError, ValueError) as problem:
            address = f"{os.environ.get('MASTER_ADDR', '(unset)')}:{os.environ.get('MASTER_PORT', '(unset)')}"
            reason = str(problem).strip().splitlines()[0]
            raise TrainingError(
                f"rank {self.rank} of {self.number_of_ranks} could not meet the others at MASTER_ADDR:MASTER_PORT "
                f"{address} within {timeout_seconds:g} s: {reason}. Check that all ranks were started (torchrun does "
                "that) and that the address can be reached."
            ) from problem

    def _take_gpu(self, device: torch.device) -> None:
        """Make this rank's GPU the current one; TrainingError where this machine has fewer than it started ranks."""
        try:
            torch.cuda.set_device(device)
        except RuntimeError as problem:
            reason = str(problem).strip().splitlines()[0]
            raise TrainingError(
                f"rank {self.rank} of {self.number_of_ranks} cannot use {device}: {reason}. This machine shows "
                f"{torch.cuda.device_count()} GPU(s); start as many processes (torchrun --nproc-per-node)."
            ) from problem

    def _rendezvous_store(self, timeout: datetime.timedelta) -> Any:
        """The store in which the ranks leave their addresses, with a page of its own for every attempt of torchrun.

        torchrun keeps one store over its restarts (pytorch/pytorch issue 135712), so that a rank would read the address
        that a dead one left. Only on a single machine do all ranks count the same attempts; on several, torchrun needs
        TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 in its environment for restarts to work.
        """
        store, _, _ = next(rendezvous("env://", self.rank, self.number_of_ranks, timeout=timeout))
        store.set_timeout(timeout)
        alone = os.environ.get("GROUP_WORLD_SIZE", "1") == "1"
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") if alone else "of several machines"
        return torch.distributed.PrefixStore(f"gpt25 attempt {attempt}", store)  # type: ignore[attr-defined]

    def disconnect(self) -> None:
        """Leave the others; a no-op for one rank and when there was no connection."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()

    def sum(self, values: Sequence[float], *, device: torch.device | str = "cpu") -> list[float]:
        """Every value summed over all ranks, in float64 (float32 on mps): the same list on every rank.

        Raises TrainingError, naming this rank, when another one does not answer in time.
        """
        return self._reduce(values, device, torch.distributed.ReduceOp.SUM) if not self.is_alone else list(values)

    def sum_on_device(self, values: torch.Tensor) -> torch.Tensor:
        """Values (count) summed over all ranks, in float64 unless this one is alone, without waiting for the device.

        Raises TrainingError, naming this rank, when another one does not answer in time.
        """
        return values if self.is_alone else self._all_reduce(values.double(), torch.distributed.ReduceOp.SUM)

    def mean(self, values: Sequence[float], *, device: torch.device | str = "cpu") -> list[float]:
        """Every value averaged over all ranks."""
        return [total / self.number_of_ranks for total in self.sum(values, device=device)]

    def agree(self, flag: bool, *, device: torch.device | str = "cpu") -> bool:
        """Whether any rank says so; every rank gets the same answer at the same call."""
        if self.is_alone:
            return flag
        return self._reduce([float(flag)], device, torch.distributed.ReduceOp.MAX)[0] > 0

    def broadcast_text(self, text: str, *, device: torch.device | str = "cpu") -> str:
        """Broadcast the first rank's text to every rank; what the others give is not read."""
        (length,) = self.sum([float(len(text) if self.is_first else 0)], device=device)
        characters = [float(ord(character)) for character in text] if self.is_first else [0.0] * int(length)
        return "".join(chr(int(character)) for character in self.sum(characters, device=device))

    def barrier(self) -> None:
        """A barrier: return when every rank has come here."""
        self.sum([0.0])

    def _reduce(
        self, values: Sequence[float], device: torch.device | str, operation: torch.distributed.ReduceOp.RedOpType
    ) -> list[float]:
        if torch.distributed.get_backend() == "nccl":
            device = torch.device("cuda", torch.cuda.current_device())
        summed = self._all_reduce(torch.tensor(values, dtype=torch.float64, device=device), operation)  # (count)
        return [float(value) for value in summed.tolist()]

    def _all_reduce(self, values: torch.Tensor, operation: torch.distributed.ReduceOp.RedOpType) -> torch.Tensor:
        try:
            torch.distributed.all_reduce(values, op=operation)
        except RuntimeError as problem:
            reason = str(problem).strip().splitlines()[0]
            raise TrainingError(
                f"rank {self.rank} of {self.number_of_ranks} lost another rank: {reason}. Look for the first error "
                "above; the same command resumes from the last complete checkpoint."
            ) from problem
        return values
