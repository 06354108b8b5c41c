"""The loss for a GPU against the simple one, on a processor, and that padding takes no part in it."""

import sys

import pytest
import torch

from gpt25.training.loss.gpu_loss import VOCABULARY_MULTIPLE, gpu_loss

module = sys.modules["gpt25.training.loss.gpu_loss"]
VOCABULARY, CHANNELS, BATCH, TIME = 300, 16, 3, 16


# torch 2.13's own compiler still uses what torch 2.13 calls deprecated.
compiling = pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")


def case(*, ignored: int = 0, whole_numbers: bool = False) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    hidden = torch.randn(BATCH, TIME, CHANNELS, generator=generator)
    weight = torch.randn(VOCABULARY, CHANNELS, generator=generator)
    if whole_numbers:  # their products are exact, whatever the order of the sums
        hidden, weight = hidden.round(), weight.round()
    labels = torch.randint(VOCABULARY, (BATCH, TIME), generator=generator)
    labels.view(-1)[:ignored] = -100
    return hidden.requires_grad_(), weight.requires_grad_(), labels


def simple_loss(hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy((hidden @ weight.t()).flatten(0, 1), labels.flatten())


@pytest.mark.parametrize("rows_per_slice", [1, 7, 48, 1000])
@pytest.mark.parametrize("ignored", [0, 5, 47])
@pytest.mark.parametrize("padded", [False, True])
def test_equals_the_simple_loss_in_value_and_gradients(
    rows_per_slice: int, ignored: int, padded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROWS_PER_SLICE", rows_per_slice)
    hidden, weight, labels = case(ignored=ignored)
    expected = simple_loss(hidden, weight, labels)
    wanted = torch.autograd.grad(expected * 3, (hidden, weight))
    loss = gpu_loss(hidden, weight, labels, padded_vocabulary=padded)
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-6)
    for gradient, other in zip(torch.autograd.grad(loss * 3, (hidden, weight)), wanted, strict=True):
        assert gradient.shape == other.shape
        torch.testing.assert_close(gradient, other, rtol=1e-4, atol=2e-6 * float(other.abs().max()))


def test_padding_changes_not_one_bit_of_the_loss() -> None:
    hidden, weight, labels = case(whole_numbers=True)
    results = []
    for padded in (False, True):
        loss = gpu_loss(hidden, weight, labels, padded_vocabulary=padded)
        results.append((loss, *torch.autograd.grad(loss, (hidden, weight))))
    assert torch.equal(results[0][0], results[1][0])
    # The gradient by `hidden` sums over the columns, which zeros at the end cut into other groups.
    for plain, with_padding in zip(*results, strict=True):
        torch.testing.assert_close(with_padding, plain, rtol=1e-5, atol=1e-7)


def test_what_stands_in_the_padding_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden, weight, labels = case()
    expected = gpu_loss(hidden, weight, labels)
    padded = module._padded

    def spoilt(weight: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        matrix = padded(weight, dtype)
        assert matrix.shape == (3 * VOCABULARY_MULTIPLE, CHANNELS)
        matrix[VOCABULARY:] = 1e30
        return matrix

    monkeypatch.setattr(module, "_padded", spoilt)
    loss = gpu_loss(hidden, weight, labels)
    assert torch.equal(loss, expected)
    (gradient,) = torch.autograd.grad(loss, weight)
    torch.testing.assert_close(gradient, torch.autograd.grad(simple_loss(hidden, weight, labels), weight)[0])


def test_bfloat16_stays_within_its_rounding() -> None:
    hidden, weight, labels = case()
    expected = torch.autograd.grad(simple_loss(hidden, weight, labels), (hidden, weight))
    loss = gpu_loss(hidden.bfloat16(), weight, labels)
    assert loss.dtype is torch.float32
    for gradient, other in zip(torch.autograd.grad(loss, (hidden, weight)), expected, strict=True):
        assert gradient.dtype is torch.float32
        assert float((gradient - other).norm() / other.norm()) < 0.02


@pytest.mark.parametrize("slices", [1, 3])
def test_a_part_of_an_update_has_its_part_of_loss_and_gradients(slices: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS_PER_SLICE", -(-BATCH * TIME // slices))
    hidden, weight, labels = case(ignored=3)
    expected = simple_loss(hidden, weight, labels) / 5
    loss = gpu_loss(hidden, weight, labels, parts=5)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(
        torch.autograd.grad(loss, (hidden, weight)), torch.autograd.grad(expected, (hidden, weight))
    )


def test_without_gradients_the_loss_is_the_same_and_costs_none() -> None:
    hidden, weight, labels = case(ignored=3)
    expected = gpu_loss(hidden, weight, labels)
    with torch.no_grad():
        loss = gpu_loss(hidden, weight, labels)
    assert float(loss) == pytest.approx(float(expected.detach()), rel=1e-6)
    assert not loss.requires_grad


def test_stays_exact_where_a_label_has_next_to_no_probability() -> None:
    hidden = torch.tensor([[[200.0]]], requires_grad=True)
    loss = gpu_loss(hidden, torch.tensor([[1.0], [0.0], [-1.0]]), torch.tensor([[2]]))
    assert float(loss.detach()) == pytest.approx(400.0)
    assert float(torch.autograd.grad(loss, hidden)[0]) == pytest.approx(2.0)


def test_is_nan_like_torch_when_every_label_is_ignored() -> None:
    hidden, weight, labels = case(ignored=BATCH * TIME)
    loss = gpu_loss(hidden, weight, labels)
    assert torch.isnan(loss)
    gradients = torch.autograd.grad(loss, (hidden, weight))
    assert not any(gradient.any() for gradient in gradients)


@compiling
@pytest.mark.parametrize("dtype_name", [torch.float32, torch.bfloat16])
def test_compiled_it_is_the_same_function(dtype_name: torch.dtype) -> None:
    hidden, weight, labels = case(ignored=2)
    results = []
    for compiled in (False, True):
        loss = gpu_loss(hidden.to(dtype_name), weight, labels, compiled=compiled)
        results.append((loss, *torch.autograd.grad(loss, (hidden, weight))))
    for plain, other in zip(*results, strict=True):
        torch.testing.assert_close(other, plain, rtol=1e-2 if dtype_name is torch.bfloat16 else 1e-4, atol=1e-5)
