"""The fused loss against the simple one: model(indices, labels)."""

import math
import sys
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.runtime import Precision
from gpt25.training import fused_loss
from gpt25.training.loss.loss_module import LossModule

module = sys.modules["gpt25.training.loss.fused_loss"]  # the package's attribute of that name is the function
VOCABULARY, CHANNELS, BATCH, TIME = 320, 32, 3, 16


@pytest.fixture(autouse=True)
def slices_as_short_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FEWEST_ROWS_PER_SLICE", 1)


def model_and_batch() -> tuple[GPTModel, torch.Tensor, torch.Tensor]:
    shape = GPTConfiguration(
        block_size=TIME,
        vocabulary_size=VOCABULARY,
        number_of_layers=1,
        number_of_heads=2,
        number_of_embedding_dimensions=CHANNELS,
    )
    generator = torch.Generator().manual_seed(1)
    model = GPTModel(shape, generator=generator)
    indices = torch.randint(VOCABULARY, (BATCH, TIME), generator=generator)
    labels = torch.randint(VOCABULARY, (BATCH, TIME), generator=generator)
    return model, indices, labels


def loss_and_gradients(model: GPTModel, loss: torch.Tensor) -> tuple[float, dict[str, torch.Tensor]]:
    model.zero_grad()
    loss.backward()
    return float(loss.detach()), {
        name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None
    }


@pytest.mark.parametrize("rows_per_slice", [1, 7, 48, 1000])
@pytest.mark.parametrize("ignored", [0, 5, 47])
def test_equals_the_simple_loss_in_value_and_every_gradient(
    rows_per_slice: int, ignored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ELEMENTS_PER_SLICE", rows_per_slice * VOCABULARY)
    model, indices, labels = model_and_batch()
    labels.view(-1)[:ignored] = -100
    simple, expected = loss_and_gradients(model, model(indices, labels)[1])
    loss_module = LossModule(model, precision=Precision("float32", torch.float32, ""))
    fused, gradients = loss_and_gradients(model, loss_module(indices, labels))
    assert fused == pytest.approx(simple, rel=1e-6)
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        # Where one label counts, every gradient is 48 times as large, and its rounding with it.
        rounding = max(1e-7, 2e-6 * float(expected[name].abs().max()))
        torch.testing.assert_close(
            gradient, expected[name], rtol=1e-4, atol=rounding, msg=lambda text, n=name: f"{n} {text}"
        )


def test_scales_its_gradient_with_what_follows() -> None:
    hidden = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(2), requires_grad=True)
    weight, labels = torch.randn(11, 8, generator=torch.Generator().manual_seed(3)), torch.arange(6).view(2, 3)
    (once,) = torch.autograd.grad(fused_loss(hidden, weight, labels), hidden)
    (thrice,) = torch.autograd.grad(fused_loss(hidden, weight, labels) * 3, hidden)
    torch.testing.assert_close(thrice, 3 * once)


def test_bfloat16_stays_within_its_rounding() -> None:
    model, indices, labels = model_and_batch()
    simple, expected = loss_and_gradients(model, model(indices, labels)[1])
    loss_module = LossModule(model, precision=Precision("bfloat16", torch.bfloat16, ""))
    fused, gradients = loss_and_gradients(model, loss_module(indices, labels))
    assert fused == pytest.approx(simple, rel=2e-3)
    for name, gradient in gradients.items():
        assert gradient.dtype is torch.float32
        assert float((gradient - expected[name]).norm() / (expected[name].norm() + 1e-6)) < 0.05, name


class LargestTensor(TorchDispatchMode):
    """Remembers the most elements of a floating-point tensor that any operation returned."""

    elements = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, torch.Tensor) and tensor.is_floating_point():
                self.elements = max(self.elements, tensor.numel())
        return result


def test_never_holds_all_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, vocabulary, channels = 256, 500, 4
    monkeypatch.setattr(module, "_ELEMENTS_PER_SLICE", 16 * vocabulary)
    hidden = torch.randn(1, rows, channels, requires_grad=True)
    weight, labels = torch.randn(vocabulary, channels, requires_grad=True), torch.randint(vocabulary, (1, rows))
    with LargestTensor() as fused:
        fused_loss(hidden, weight, labels).backward()
    with LargestTensor() as simple:
        torch.nn.functional.cross_entropy((hidden @ weight.t()).flatten(0, 1), labels.flatten()).backward()
    assert simple.elements == rows * vocabulary
    assert fused.elements == 16 * vocabulary


def test_stays_exact_where_a_label_has_next_to_no_probability() -> None:
    hidden = torch.tensor([[[200.0]]], requires_grad=True)
    weight = torch.tensor([[1.0], [0.0], [-1.0]])
    loss = fused_loss(hidden, weight, torch.tensor([[2]]))  # logits 200, 0, -200: e^-400 is 0 in float32
    assert float(loss.detach()) == pytest.approx(400.0)
    (gradient,) = torch.autograd.grad(loss, hidden)
    assert float(gradient) == pytest.approx(2.0)  # 1 of the likely token - (-1) of the label


def test_keeps_a_slice_that_the_processor_computes_quickly() -> None:
    assert module._rows_per_slice(4096, torch.device("cpu")) == 1024
    assert module._rows_per_slice(1 << 30, torch.device("cpu")) == 1  # the fewest, which these tests set to 1


def test_is_nan_like_torch_when_every_label_is_ignored() -> None:
    labels = torch.full((1, 4), -100)
    for loss_of in (fused_loss, lambda hidden, weight, labels: _torchs_own(hidden @ weight.t(), labels)):
        hidden, weight = torch.randn(1, 4, 8, requires_grad=True), torch.randn(11, 8, requires_grad=True)
        loss = loss_of(hidden, weight, labels)
        assert math.isnan(float(loss.detach()))
        loss.backward()
        assert not hidden.grad.any()
        assert not weight.grad.any()


def _torchs_own(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())


def test_sums_the_heads_gradient_in_float32_over_many_bfloat16_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    hidden = torch.randn(1, 512, 16).bfloat16()
    labels = torch.randint(8, (1, 512))
    gradients = []
    for rows in (1, 512):  # 512 slices of one row, and one slice
        monkeypatch.setattr(module, "_ELEMENTS_PER_SLICE", rows * 8)
        weight = torch.randn(8, 16, generator=torch.Generator().manual_seed(1)).requires_grad_()
        fused_loss(hidden, weight, labels).backward()
        gradients.append(weight.grad)
    sliced, full = gradients
    assert (sliced - full).norm() < 5e-3 * full.norm()  # summed in bfloat16, it is 1.8e-2


def test_costs_no_gradient_where_none_is_wanted() -> None:
    model, indices, labels = model_and_batch()
    with torch.no_grad():
        loss = LossModule(model, precision=Precision("float32", torch.float32, ""))(indices, labels)
        assert float(loss) == pytest.approx(float(model(indices, labels)[1]), rel=1e-6)
    assert not loss.requires_grad


def test_at_initialisation_is_about_the_logarithm_of_the_vocabulary() -> None:
    model, indices, labels = model_and_batch()
    loss = LossModule(model, precision=Precision("float32", torch.float32, ""))(indices, labels)
    assert float(loss.detach()) == pytest.approx(math.log(VOCABULARY), abs=0.1)
