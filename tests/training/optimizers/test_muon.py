"""Muon against torch's own, which runs its polynomial in bfloat16."""

import math
from typing import Any

import pytest
import torch

from gpt25.errors import ConfigurationError
from gpt25.training import Muon
from gpt25.training.optimizers.orthogonalise import NEWTON_SCHULZ, orthogonalise


def walk(optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], steps: int = 4) -> None:
    """The same few gradients for whatever optimizer."""
    generator = torch.Generator().manual_seed(7)
    for _ in range(steps):
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()


def parameters_of(*shapes: tuple[int, int]) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(8)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


@pytest.mark.parametrize("shape", [(16, 16), (16, 48), (48, 16)])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_moves_as_torchs_muon_does(shape: tuple[int, int], weight_decay: float) -> None:
    ours, theirs = parameters_of(shape), parameters_of(shape)
    start = ours[0].detach().clone()
    walk(
        Muon(ours, learning_rate=0.02, momentum=0.9, weight_decay=weight_decay, polynomials=NEWTON_SCHULZ),
        ours,
    )
    reference = torch.optim.Muon(
        theirs, lr=0.02, momentum=0.9, weight_decay=weight_decay, nesterov=True, adjust_lr_fn="match_rms_adamw"
    )
    walk(reference, theirs)
    moved, expected = ours[0].detach() - start, theirs[0].detach() - start
    assert float(torch.cosine_similarity(moved.flatten(), expected.flatten(), dim=0)) > 0.999
    assert float(moved.norm() / expected.norm()) == pytest.approx(1, abs=0.02)


def test_an_update_is_as_long_as_one_of_adamw() -> None:
    (parameter,) = parameters_of((32, 64))
    start = parameter.detach().clone()
    walk(Muon([parameter], learning_rate=0.01), [parameter], steps=1)
    assert float((parameter.detach() - start).square().mean().sqrt()) == pytest.approx(0.2 * 0.01, rel=0.05)


def test_parts_are_moved_as_matrices_of_their_own() -> None:
    (together,) = parameters_of((48, 16))
    apart = [torch.nn.Parameter(part.clone()) for part in together.detach().chunk(3)]
    gradient = torch.randn(48, 16, generator=torch.Generator().manual_seed(9))
    together.grad = gradient.clone()
    for parameter, part in zip(apart, gradient.chunk(3), strict=True):
        parameter.grad = part.clone()
    Muon([{"params": [together], "parts": 3}], learning_rate=0.1).step()
    Muon(apart, learning_rate=0.1).step()
    torch.testing.assert_close(together.detach(), torch.cat([parameter.detach() for parameter in apart]))
    whole = orthogonalise(gradient.unsqueeze(0))[0]
    parts = orthogonalise(torch.stack(gradient.chunk(3))).flatten(0, 1)
    assert float((whole - parts).norm()) > 1  # so that the comparison above can fail


def test_parameters_without_a_gradient_stay() -> None:
    moving, resting = parameters_of((8, 8), (8, 8))
    before = resting.detach().clone()
    moving.grad = torch.ones(8, 8)
    Muon([moving, resting], learning_rate=0.1).step()
    assert torch.equal(resting.detach(), before)
    Muon([resting], learning_rate=0.1).step()
    assert torch.equal(resting.detach(), before)


@pytest.mark.parametrize(("shape", "parts"), [((8,), 1), ((2, 3, 4), 1), ((8, 4), 3)])
def test_what_is_no_matrix_is_refused(shape: tuple[int, ...], parts: int) -> None:
    parameter = torch.nn.Parameter(torch.zeros(shape))
    with pytest.raises(ConfigurationError, match=rf"a parameter of shape .* in {parts} part\(s\) is none"):
        Muon([{"params": [parameter], "parts": parts}], learning_rate=0.1)


def test_a_closure_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Muon takes no closure"):
        Muon(parameters_of((4, 4)), learning_rate=0.1).step(lambda: 0.0)


def plain_steps(weights: torch.Tensor, gradients: list[torch.Tensor], *, decay: float) -> torch.Tensor:
    """One matrix by Muon's definition, in the arithmetic of the plain path: float32, one operation after another."""
    weights, momentum = weights.clone(), torch.zeros_like(weights)
    for gradient in gradients:
        momentum.lerp_(gradient, 1 - 0.95)
        update = gradient.lerp(momentum, 0.95)
        weights.mul_(1 - 0.02 * decay)
        tall = update.size(0) > update.size(1)
        direction = orthogonalise(torch.stack([update.mT if tall else update]))[0]
        target = weights.mT if tall else weights
        target.add_(direction, alpha=-(0.02 * 0.2 * math.sqrt(max(weights.shape))))
    return weights


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_by_default_it_is_the_plain_path_bit_for_bit(decay: float) -> None:
    parameters = parameters_of((16, 48), (16, 16), (48, 16), (16, 48))
    generator = torch.Generator().manual_seed(10)
    gradients = [[torch.randn(each.shape, generator=generator) for each in parameters] for _ in range(4)]
    expected = [
        plain_steps(parameter.detach(), [step[number] for step in gradients], decay=decay)
        for number, parameter in enumerate(parameters)
    ]
    optimizer = Muon(parameters, learning_rate=0.02, weight_decay=decay)
    for step in gradients:
        for parameter, gradient in zip(parameters, step, strict=True):
            parameter.grad = gradient
        optimizer.step()
    for parameter, value in zip(parameters, expected, strict=True):
        assert torch.equal(parameter.detach(), value)


def by_definition(
    weights: torch.Tensor, gradients: list[torch.Tensor], *, beta_2: float | None, cautious: bool
) -> torch.Tensor:
    """Muon in float64 with NorMuon's rows and cautious decay of 0.5, at a rate of 0.02."""
    x, momentum = weights.double(), torch.zeros_like(weights).double()
    moment = torch.zeros(len(weights), 1, dtype=torch.float64)
    for gradient in gradients:
        momentum = 0.95 * momentum + 0.05 * gradient.double()
        direction = orthogonalise((0.05 * gradient.double() + 0.95 * momentum).unsqueeze(0))[0]
        if beta_2 is not None:
            moment = beta_2 * moment + (1 - beta_2) * (direction**2).mean(dim=1, keepdim=True)
            divided = direction / (moment.sqrt() + 1e-8)
            direction = divided * direction.norm() / divided.norm()
        decayed = torch.where(direction * x >= 0, x, 0.0) if cautious else x
        x = x - 0.02 * (0.2 * math.sqrt(max(x.shape)) * direction + 0.5 * decayed)
    return x


@pytest.mark.parametrize(("beta_2", "cautious"), [(None, True), (0.9, False), (0.9, True)])
def test_normalised_rows_and_cautious_decay_by_definition(beta_2: float | None, cautious: bool) -> None:
    """Tall, wide and threefold matrices: rows stay rows however they lie."""
    threefold, *single = parameters_of((24, 8), (32, 8), (8, 32), (8, 8), (8, 32))
    generator = torch.Generator().manual_seed(11)
    parameters = [threefold, *single]
    # Rows of very different lengths, or there would be little to normalise.
    scales = [torch.logspace(-1, 1, len(each)).unsqueeze(1) for each in parameters]
    gradients = [
        [torch.randn(each.shape, generator=generator) * scale for each, scale in zip(parameters, scales, strict=True)]
        for _ in range(4)
    ]
    options: dict[str, Any] = {"beta_2": beta_2, "cautious": cautious}
    expected, plain = [], []
    for number, parameter in enumerate(parameters):
        parts = 3 if number == 0 else 1
        lists = [[part for step in gradients for part in [step[number].chunk(parts)[at]]] for at in range(parts)]
        matrices = list(zip(parameter.detach().chunk(parts), lists, strict=True))
        expected.append(torch.cat([by_definition(part, list_, **options) for part, list_ in matrices]))
        plain.append(torch.cat([by_definition(part, list_, beta_2=None, cautious=False) for part, list_ in matrices]))
    optimizer = Muon(
        [{"params": [threefold], "parts": 3}, {"params": single}],
        learning_rate=0.02,
        weight_decay=0.5,
        cautious_weight_decay=cautious,
        beta_2=beta_2,
    )
    for step in gradients:
        for parameter, gradient in zip(parameters, step, strict=True):
            parameter.grad = gradient
        optimizer.step()
    for parameter, value, other in zip(parameters, expected, plain, strict=True):
        torch.testing.assert_close(parameter.detach().double(), value, rtol=1e-5, atol=1e-5)
        assert float((value - other).abs().max()) > 1e-3  # so that the comparison above can fail
