"""Weights cast once an update: the bits of autocast's own casts, and layers that are as they were afterwards."""

import contextlib
import functools
from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch
import torch._dynamo

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.runtime import Precision
from gpt25.training import LossModule
from gpt25.training.loss import weight_copies as module
from gpt25.training.loss.weight_copies import WeightCopies

SHAPE = GPTConfiguration(
    block_size=16, vocabulary_size=50, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=32
)
BFLOAT16, FLOAT32 = Precision("bfloat16", torch.bfloat16, ""), Precision("float32", torch.float32, "")


def loss_module(precision: Precision = BFLOAT16) -> LossModule:
    return LossModule(GPTModel(SHAPE, generator=torch.Generator().manual_seed(0)), precision=precision)


def updated(loss: LossModule, once: Callable[[], contextlib.AbstractContextManager[None]]) -> list[Any]:
    """Losses of three micro-batches in each of two updates, between which the weights move; gradients of the last."""
    generator, losses = torch.Generator().manual_seed(1), []
    for _ in range(2):
        loss.zero_grad()
        with once():
            for _ in range(3):
                ids = torch.randint(50, (2, 17), generator=generator)
                found = loss(ids[:, :-1], ids[:, 1:], 3)
                found.backward()
                losses.append(found.item())
        with torch.no_grad():
            for parameter in loss.parameters():
                parameter -= 0.1 * parameter.grad
    return [losses, {name: parameter.grad for name, parameter in loss.named_parameters()}]


def test_losses_and_gradients_are_those_of_autocast_to_the_bit() -> None:
    usual, once = loss_module(), loss_module()
    (expected, gradients), (losses, others) = (
        updated(usual, contextlib.nullcontext),
        updated(once, once.weights_cast_once),
    )
    assert losses == expected
    assert len(set(losses)) == 6
    for name, gradient in gradients.items():
        assert gradient.dtype is torch.float32
        assert torch.equal(others[name], gradient), name


def test_additions_that_are_joined_for_a_gpu_are_the_same() -> None:
    usual, joined = loss_module(), loss_module()
    copies = WeightCopies(joined.model, torch.bfloat16, add=torch._foreach_add)
    (expected, gradients), (losses, others) = (
        updated(usual, usual.weights_cast_once),
        updated(joined, copies.in_place),
    )
    assert losses == expected
    assert all(torch.equal(others[name], gradient) for name, gradient in gradients.items())


def test_meanwhile_layers_hold_copies_and_afterwards_their_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = loss_module()
    before = list(loss.named_parameters())
    block = loss.model.transformer.hidden[0]
    casts: list[int] = []
    copy = torch._foreach_copy_
    monkeypatch.setattr(torch, "_foreach_copy_", lambda *lists: casts.append(len(lists[0])) or copy(*lists))
    with contextlib.suppress(KeyError), loss.weights_cast_once():
        assert block.attention.projection.weight.dtype is torch.bfloat16
        assert block.attention.projection.bias.dtype is torch.bfloat16
        assert block.layer_norm_1.weight.dtype is torch.float32
        assert loss.model.language_modeling_head.weight.dtype is torch.float32
        raise KeyError
    assert casts == [16]  # a weight and a bias of four layers in two blocks, together
    assert [name for name, _ in loss.named_parameters()] == [name for name, _ in before]
    assert all(now is then for (_, now), (_, then) in zip(loss.named_parameters(), before, strict=True))


def test_in_float32_there_is_nothing_to_cast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_Block", None)
    loss = loss_module(FLOAT32)
    with loss.weights_cast_once():
        assert isinstance(loss.model.transformer.hidden[0].attention.projection.weight, torch.nn.Parameter)


# torch's own compiler looks at what torch warns of, where a block reads what another one wrote.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
@pytest.mark.parametrize("region", ["model", "blocks"])
def test_what_is_compiled_in_one_update_serves_the_next_ones(
    region: Literal["model", "blocks"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copies are other tensors in every update; code that was made for some must not be made again for others."""
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    model = GPTModel(SHAPE, generator=torch.Generator().manual_seed(0))
    loss = LossModule(model, precision=BFLOAT16, compile=True, region=region)
    updated(loss, loss.weights_cast_once)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1


def test_the_compiled_addition_serves_every_block_and_update(monkeypatch: pytest.MonkeyPatch) -> None:
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    loss = loss_module()
    copies = WeightCopies(loss.model, torch.bfloat16, add=module.joined_addition.__wrapped__())
    updated(loss, copies.in_place)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
