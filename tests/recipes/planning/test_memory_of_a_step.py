"""What the optimizers' step takes for a moment, by arithmetic, against the storages that live at once in a real one."""

import dataclasses
import weakref
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.recipes import load_recipe
from gpt25.recipes.planning.memory_plan import CAUTIOUS_STEP_BYTES, MUON_STEP_BYTES, memory_parts
from gpt25.training import OptimizerConfiguration, Optimizers, TrainingConfiguration

SHAPE = GPTConfiguration(
    block_size=8, vocabulary_size=64, number_of_layers=6, number_of_heads=2, number_of_embedding_dimensions=96
)
MATRICES = 12 * 6 * 96**2


class LivingStorages(TorchDispatchMode):
    """The most bytes that lived at once in tensors that were made meanwhile."""

    def __init__(self, there: Iterable[torch.Tensor]) -> None:
        super().__init__()
        self.most = self._bytes = 0
        self._there = {tensor.untyped_storage().data_ptr() for tensor in there}
        self._tensors: Counter[int] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor) and not hasattr(tensor, "is_counted"):
                self._count(tensor)
        return made

    def _count(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage.data_ptr() in self._there:
            return
        tensor.is_counted = True
        if not self._tensors[storage.data_ptr()]:
            self._bytes += storage.nbytes()
            self.most = max(self.most, self._bytes)
        self._tensors[storage.data_ptr()] += 1
        weakref.finalize(tensor, self._forget, storage.data_ptr(), storage.nbytes())

    def _forget(self, pointer: int, size: int) -> None:
        self._tensors[pointer] -= 1
        if not self._tensors[pointer]:
            self._bytes -= size


@pytest.mark.parametrize("skip", [None, False])
@pytest.mark.parametrize("beta_2", [None, 0.9])
def test_muons_step_is_as_large_as_counted(skip: bool | None, beta_2: float | None) -> None:
    settings = OptimizerConfiguration(
        name="muon", muon_beta_2=beta_2, cautious_weight_decay=True, muon_weight_decay=0.1
    )
    assert most_in_a_step(settings, skip) == pytest.approx(MUON_STEP_BYTES * MATRICES, rel=0.01)


def test_a_step_with_soap_can_be_skipped_in_the_bytes_that_are_counted() -> None:
    settings = OptimizerConfiguration(name="muon", muon_soap_beta_2=0.9)
    counted = (MUON_STEP_BYTES + 32) * MATRICES
    assert most_in_a_step(settings, False) == pytest.approx(counted, rel=0.01)


def test_cautious_adamws_step_is_as_large_as_counted() -> None:
    settings = OptimizerConfiguration(name="adamw", cautious_weight_decay=True)
    decayed = MATRICES + (64 + 8) * 96
    assert most_in_a_step(settings, None) == pytest.approx(CAUTIOUS_STEP_BYTES * decayed, rel=0.01)
    assert most_in_a_step(OptimizerConfiguration(name="adamw"), None) == 0


def most_in_a_step(settings: OptimizerConfiguration, skip: bool | None) -> int:
    model = GPTModel(SHAPE)
    optimizers = Optimizers(model, settings)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    with LivingStorages([*model.parameters(), *gradients, *optimizers.state().values()]) as living:
        optimizers.step(
            learning_rate_factor=1.0, progress=0.5, skip=None if skip is None else torch.zeros((), dtype=torch.bool)
        )
    return living.most


def large(**optimizer: Any) -> TrainingConfiguration:
    recipe = load_recipe("gpt2_large")
    return dataclasses.replace(recipe, optimizer=dataclasses.replace(recipe.optimizer, **optimizer))


def test_the_plan_counts_what_activations_leave_no_room_for() -> None:
    matrices = 12 * 36 * 1280**2
    # Of one row: what its blocks keep, their matrices in bfloat16, and logits.
    passing = int(36.0625 * 1280 * 36 * 1024) + 2 * matrices + 4 * 1024 * 50_257
    part = memory_parts(large(name="muon"), 1)[-1]
    assert (part.name, part.number_of_bytes) == ("more in the step", 14 * matrices - passing)
    assert part.arithmetic == "14 B x 707,788,800 less activations, copies and logits"
    prompt = large(name="muon")
    prompt = dataclasses.replace(prompt, speed=dataclasses.replace(prompt.speed, read_late=False))
    assert memory_parts(prompt, 1)[-1].number_of_bytes == 14 * matrices - passing
    cautious = memory_parts(large(name="adamw", cautious_weight_decay=True), 1)[-1]
    assert cautious.number_of_bytes == 8 * 774_030_080 - passing
    soap = memory_parts(large(name="muon", muon_soap_beta_2=0.9), 1)[-1]
    assert soap.number_of_bytes == (14 + 32) * matrices - passing


@pytest.mark.parametrize("name", ["gpt2_124m", "gpt2_124m_adamw", "gpt2_medium", "gpt2_large", "laptop_8gb"])
def test_no_recipe_needs_more_in_its_step(name: str) -> None:
    recipe = load_recipe(name)
    assert memory_parts(recipe, recipe.batch.rows_unless_chosen)[-1].name == "loss and CUDA"
