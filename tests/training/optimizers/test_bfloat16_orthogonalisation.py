"""Muon's products in bfloat16, as on a GPU: the directions that float32 finds, and who asks for it."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from gpt25.runtime import Precision
from gpt25.training import Trainer, TrainingConfiguration
from gpt25.training.loop.gradient_update import orthogonalises_in_bfloat16
from gpt25.training.optimizers.muon import Muon
from gpt25.training.optimizers.orthogonalise import POLYNOMIALS, orthogonalisation_operations, orthogonalise

PRECISIONS = {name: Precision(name, getattr(torch, name), "") for name in ("float32", "bfloat16")}  # type: ignore[arg-type]


def spread(rows: int, columns: int, *, decay: float) -> torch.Tensor:
    """A matrix (1, rows, columns) whose singular values fall by a power of their rank, as gradients' do."""
    generator = torch.Generator().manual_seed(1)
    left, _ = torch.linalg.qr(torch.randn(rows, rows, generator=generator))
    right, _ = torch.linalg.qr(torch.randn(columns, rows, generator=generator))
    return ((left * torch.arange(1.0, rows + 1) ** -decay) @ right.T).unsqueeze(0)


@pytest.mark.parametrize("polynomials", POLYNOMIALS)
@pytest.mark.parametrize("shape", [(64, 64), (48, 96)])
@pytest.mark.parametrize("decay", [0.5, 1.0])
def test_it_is_the_same_direction(shape: tuple[int, int], decay: float, polynomials: str) -> None:
    matrices = spread(*shape, decay=decay)
    exact = orthogonalise(matrices, POLYNOMIALS[polynomials])
    short = orthogonalise(matrices, POLYNOMIALS[polynomials], in_bfloat16=True)
    assert (short.shape, short.dtype) == (exact.shape, torch.float32)
    assert torch.cosine_similarity(short.flatten(), exact.flatten(), dim=0) > 0.998
    assert not torch.equal(short, exact)
    transposed = orthogonalise(matrices.mT, POLYNOMIALS[polynomials], in_bfloat16=True)
    torch.testing.assert_close(transposed, short.mT, rtol=0.1, atol=0.02)


@pytest.mark.parametrize("decay", [0.5, 2.0, 4.0])
def test_nothing_grows_however_small_the_smallest_singular_values(decay: float) -> None:
    values = torch.linalg.svdvals(orthogonalise(spread(64, 64, decay=decay), in_bfloat16=True).double())
    assert float(values[0, 0]) > 0.8
    assert float(values.max()) < 1.2


@pytest.mark.parametrize("shape", [(8, 8), (8, 32), (16, 24)])
def test_operations_are_those_that_torch_counts(shape: tuple[int, int]) -> None:
    with FlopCounterMode(display=False) as counter:
        orthogonalise(torch.randn(1, *shape), in_bfloat16=True)
    assert counter.get_total_flops() == orthogonalisation_operations(*shape, in_bfloat16=True)


def test_muon_moves_as_before_but_for_rounding() -> None:
    generator = torch.Generator().manual_seed(2)
    start, gradient = (torch.randn(24, 96, generator=generator) for _ in range(2))
    moved = []
    for in_bfloat16 in (False, True):
        parameter = torch.nn.Parameter(start.clone())
        parameter.grad = gradient
        Muon([parameter], learning_rate=0.1, in_bfloat16=in_bfloat16).step()
        moved.append(parameter.detach() - start)
    assert moved[1].dtype == torch.float32
    assert not torch.equal(*moved)
    torch.testing.assert_close(moved[1], moved[0], rtol=0.1, atol=0.01 * float(moved[0].abs().max()))


@pytest.mark.parametrize(
    ("switch", "device", "precision", "expected"),
    [
        ("auto", "cuda", "bfloat16", True),
        ("auto", "cuda", "float32", False),
        ("auto", "cpu", "bfloat16", False),
        (True, "cpu", "float32", True),
        (False, "cuda", "bfloat16", False),
    ],
)
def test_a_gpu_that_trains_in_bfloat16_does_it_by_itself(
    switch: Any, device: str, precision: str, expected: bool, configuration: TrainingConfiguration
) -> None:
    speed = dataclasses.replace(configuration.speed, bfloat16_orthogonalisation=switch)
    chosen = dataclasses.replace(configuration, speed=speed)
    assert orthogonalises_in_bfloat16(chosen, torch.device(device), PRECISIONS[precision]) is expected


def test_a_run_learns_the_same(trainer: Callable[..., Trainer], changed: Callable[..., TrainingConfiguration]) -> None:
    losses = {}
    for name, switch in {"auto": "auto", "off": False, "on": True}.items():
        trained = trainer(changed(speed={"bfloat16_orthogonalisation": switch}), run=name)
        trained.train()
        losses[name] = [row["training_loss"] for row in trained.run.metrics()]
    assert losses["auto"] == losses["off"]
    assert losses["on"] != losses["off"]
    assert losses["on"] == pytest.approx(losses["off"], rel=2e-3)
