"""Cautious decay against its definition, element by element in float64, by itself and in AdamW."""

import pytest
import torch

from gpt25.errors import ConfigurationError
from gpt25.training.optimizers.cautious_adamw import CautiousAdamW
from gpt25.training.optimizers.cautious_weight_decay import cautious_weight_decay


def test_decays_where_the_update_does_not_enlarge() -> None:
    weights = torch.tensor([2.0, -2.0, 2.0, -2.0, 2.0, 0.0])
    updates = torch.tensor([1.0, 1.0, -1.0, -1.0, 0.0, 1.0])
    cautious_weight_decay([weights], [updates], before=[weights], amount=0.25)
    assert weights.tolist() == [1.5, -2.0, 2.0, -1.5, 1.5, 0.0]


def test_decays_by_what_was_there_before() -> None:
    weights, before = torch.tensor([1.0, 1.0]), torch.tensor([4.0, -4.0])
    cautious_weight_decay([weights], [torch.ones(2)], before=[before], amount=torch.tensor(0.125))
    assert weights.tolist() == [0.5, 1.0]
    assert before.tolist() == [4.0, -4.0]


def test_the_smallest_numbers_have_signs_too() -> None:
    weights = torch.tensor([1e-30, -1e-30])
    cautious_weight_decay([weights], [torch.full((2,), 1e-30)], before=[weights], amount=0.5)
    assert weights.tolist() == pytest.approx([5e-31, -1e-30])


def by_definition(
    weights: torch.Tensor, gradients: list[torch.Tensor], *, rate: float, decay: float, epsilon: float
) -> torch.Tensor:
    """Chen et al. 2025, algorithm 1, with AdamW's update, in float64 with betas of 0.9 and 0.95."""
    x, mean, square = (value.double() for value in (weights, torch.zeros_like(weights), torch.zeros_like(weights)))
    for number, gradient in enumerate(gradients, start=1):
        g = gradient.double()
        mean, square = 0.9 * mean + 0.1 * g, 0.95 * square + 0.05 * g * g
        update = mean / (1 - 0.9**number) / ((square / (1 - 0.95**number)).sqrt() + epsilon)
        x = x - rate * (update + decay * torch.where(update * x >= 0, x, 0.0))
    return x


def start(*, decay: float, seed: int = 3) -> tuple[CautiousAdamW, torch.nn.Parameter, torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    matrix, bias = (torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((6, 5), (7,)))
    groups = [{"params": [matrix], "weight_decay": decay}, {"params": [bias], "weight_decay": 0.0}]
    return CautiousAdamW(groups, lr=0.1, betas=(0.9, 0.95), eps=1e-6, fused=True), matrix, bias


def gradients_of(shape: torch.Size, number: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    return [torch.randn(shape, generator=generator) for _ in range(number)]


def test_adamw_decays_with_its_real_updates_sign() -> None:
    optimizer, matrix, bias = start(decay=0.5)
    options = {"rate": 0.1, "epsilon": 1e-6}
    lists = {parameter: gradients_of(parameter.shape, 12) for parameter in (matrix, bias)}
    expected = {
        parameter: by_definition(parameter.detach(), lists[parameter], decay=decay, **options)
        for parameter, decay in ((matrix, 0.5), (bias, 0.0))
    }
    always = by_definition(matrix.detach(), lists[matrix], decay=0.5, **options)
    for number in range(12):
        for parameter, gradients in lists.items():
            parameter.grad = gradients[number].clone()
        optimizer.step()
    for parameter, value in expected.items():
        torch.testing.assert_close(parameter.detach().double(), value, rtol=1e-5, atol=1e-6)
    plain = torch.optim.AdamW([torch.nn.Parameter(start(decay=0.5)[1].detach().clone())], lr=0.1, weight_decay=0.5)
    (other,) = plain.param_groups[0]["params"]
    for gradient in lists[matrix]:
        other.grad = gradient.clone()
        plain.step()
    assert float((other.detach() - always).abs().max()) > 0.01  # so that the comparison above can fail


def test_without_decay_it_is_torchs_bit_for_bit() -> None:
    optimizer, matrix, bias = start(decay=0.0)
    _, *others = start(decay=0.0)
    plain = torch.optim.AdamW(others, lr=0.1, betas=(0.9, 0.95), eps=1e-6, weight_decay=0.0, fused=True)
    for number in range(3):
        for parameter, other in zip((matrix, bias), others, strict=True):
            parameter.grad = gradients_of(parameter.shape, 3)[number]
            other.grad = parameter.grad.clone()
        optimizer.step()
        plain.step()
    assert torch.equal(matrix, others[0])
    assert torch.equal(bias, others[1])


def test_a_skipped_step_does_not_decay() -> None:
    optimizer, matrix, bias = start(decay=0.5)
    before = matrix.detach().clone()
    for found, moves in ((1.0, False), (0.0, True)):
        optimizer.found_inf = torch.tensor(found)
        matrix.grad = torch.full_like(matrix, float("nan") if found else 1.0)
        bias.grad = torch.ones_like(bias)
        optimizer.step()
        assert torch.equal(matrix.detach(), before) is not moves
        assert bool(torch.isfinite(matrix).all())


def test_parameters_without_a_gradient_stay() -> None:
    optimizer, matrix, _ = start(decay=0.5)
    before = matrix.detach().clone()
    optimizer.step()
    assert torch.equal(matrix.detach(), before)


def test_a_closure_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="CautiousAdamW takes no closure"):
        start(decay=0.5)[0].step(lambda: 0.0)
