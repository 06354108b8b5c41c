"""Muon against torch's own, which runs its polynomial in bfloat16."""

import pytest
import torch

from gpt25.errors import ConfigurationError
from gpt25.training import Muon
from gpt25.training.orthogonalise import NEWTON_SCHULZ, orthogonalise


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
        Muon(ours, learning_rate=0.02, momentum=0.9, weight_decay=weight_decay, coefficients=NEWTON_SCHULZ),
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
