"""Ablation: against transformers with hooks, and what must be missed in a planted circuit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from gpt25.errors import InspectionError
from gpt25.inspection import ablation, neuron_ablation, position_ablation
from gpt25.inspection.circuits import ablated_losses
from gpt25.model import GPTModel

TOKENS = [[3, 1, 4, 1, 5, 9, 2], [6, 22, 0, 7, 1, 1, 8]]


def loss_of(twin: Any, hooks: dict[str, Callable[[Tensor], Tensor]], tokens: list[list[int]] = TOKENS) -> float:
    """The loss in transformers with what goes into ("before X") or comes out of modules replaced."""
    handles = []
    for name, change in hooks.items():
        module = twin.get_submodule(name.removeprefix("before "))
        if name.startswith("before "):
            handles.append(module.register_forward_pre_hook(lambda _, i, change=change: (change(i[0].clone()), *i[1:])))
        else:
            handles.append(
                module.register_forward_hook(
                    lambda _, i, o, change=change: (change(o[0]), *o[1:]) if isinstance(o, tuple) else change(o)
                )
            )
    with torch.no_grad():
        logits = twin(torch.tensor(tokens)).logits
    for handle in handles:
        handle.remove()
    following = torch.tensor(tokens)[:, 1:]
    return float(functional.cross_entropy(logits[:, :-1].flatten(0, 1), following.flatten()))


def kept(twin: Any, name: str, *, before: bool) -> Tensor:
    found: list[Any] = []
    module = twin.get_submodule(name)
    if before:
        handle = module.register_forward_pre_hook(lambda _, i: found.append(i[0]))
    else:
        handle = module.register_forward_hook(lambda _, i, o: found.append(o[0] if isinstance(o, tuple) else o))
    with torch.no_grad():
        twin(torch.tensor(TOKENS))
    handle.remove()
    return found[0]


@pytest.mark.parametrize("replacement", ["mean", "zero"])
def test_losses_are_those_of_transformers(
    model: GPTModel, twin_of: Callable[[GPTModel], Any], replacement: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ablated_losses, "_TOKENS_AT_ONCE", 45)  # three copies side by side
    twin = twin_of(model)
    runs: list[int] = []
    found = ablation(model, TOKENS, replacement=replacement, progress=runs.append)
    assert sum(runs) == 3 * (2 + 2)
    whole = loss_of(twin, {})
    assert found.loss == pytest.approx(whole, rel=1e-5)
    for layer in range(3):
        gathered = kept(twin, f"transformer.h.{layer}.attn.c_proj", before=True)
        for head in range(2):
            part = slice(8 * head, 8 * head + 8)

            def without(mixed: Tensor, part: slice = part, gathered: Tensor = gathered) -> Tensor:
                mixed[..., part] = gathered[..., part].mean((0, 1)) if replacement == "mean" else 0.0
                return mixed

            expected = loss_of(twin, {f"before transformer.h.{layer}.attn.c_proj": without}) - whole
            assert found.heads[layer, head] == pytest.approx(expected, abs=1e-4)
        for ours, name in ((found.attention, "attn"), (found.multi_layer_perceptron, "mlp")):
            written = kept(twin, f"transformer.h.{layer}.{name}", before=False)
            constant = written.mean((0, 1)) if replacement == "mean" else torch.zeros(16)
            hooks = {f"transformer.h.{layer}.{name}": lambda output, c=constant: c.expand_as(output)}
            assert ours[layer] == pytest.approx(loss_of(twin, hooks) - whole, abs=1e-4)
    assert np.abs(found.heads).max() > 0.01


@pytest.mark.parametrize("replacement", ["mean", "zero"])
def test_neurons_are_those_of_transformers(
    model: GPTModel, twin_of: Callable[[GPTModel], Any], replacement: Any
) -> None:
    twin = twin_of(model)
    found = neuron_ablation(model, TOKENS, layer=1, replacement=replacement)
    assert found.shape == (64,)
    neurons = kept(twin, "transformer.h.1.mlp.c_proj", before=True)
    for number in (0, 17, 63):

        def without(activation: Tensor, number: int = number) -> Tensor:
            activation[..., number] = neurons[..., number].mean() if replacement == "mean" else 0.0
            return activation

        expected = loss_of(twin, {"before transformer.h.1.mlp.c_proj": without}) - loss_of(twin, {})
        assert found[number] == pytest.approx(expected, abs=1e-4)
    chosen = neuron_ablation(model, TOKENS, layer=1, neurons=[63, 17], replacement=replacement)
    assert np.allclose(chosen, found[[63, 17]], atol=1e-6)
    assert np.abs(found).max() > 1e-3


def test_the_planted_circuit_is_missed(planted: GPTModel) -> None:
    once = [3, 7, 1, 11, 0, 5, 9, 2, 8, 4, 10, 6]
    found = ablation(planted, once + once, replacement="zero")
    assert found.heads[0, 0] > 0.2, "without the head that looks before, the induction head finds nothing"
    assert found.heads[1, 0] > 0.2
    assert abs(found.heads[0, 1]) < 1e-6, "writes nothing"
    assert abs(found.heads[1, 1]) < 1e-6
    assert np.abs(found.multi_layer_perceptron).max() < 1e-6
    assert found.attention[1] == pytest.approx(found.heads[1, 0], abs=1e-6)


def test_positions_are_those_of_transformers(model: GPTModel, twin_of: Callable[[GPTModel], Any]) -> None:
    twin = twin_of(model)
    found = position_ablation(model, TOKENS, seed=3)
    table = twin.transformer.wpe.weight.detach()
    order = torch.randperm(7, generator=torch.Generator().manual_seed(3))
    for kind, replaced in (("mean", table.mean(0).expand(7, -1)), ("zero", table[:7] * 0), ("shuffled", table[order])):
        expected = loss_of(twin, {"transformer.wpe": lambda output, new=replaced: new.expand_as(output)})
        assert getattr(found, kind) == pytest.approx(expected, rel=1e-4)
        assert found.by_position[kind].mean() == pytest.approx(expected, rel=1e-4)
    assert found.loss == pytest.approx(loss_of(twin, {}), rel=1e-5)
    assert found.hidden.shape == (7,)
    assert found.hidden[-1] == pytest.approx(0, abs=1e-6), "nobody reads behind the last position"
    for position in (0, 3):
        mask = torch.zeros(1, 1, 7, 7).masked_fill(torch.ones(7, 7, dtype=torch.bool).triu(1), -torch.inf)
        mask[..., position + 1 :, position] = -torch.inf
        with torch.no_grad():
            logits = twin(torch.tensor(TOKENS), attention_mask=mask.expand(2, -1, -1, -1)).logits
        following = torch.tensor(TOKENS)[:, 1:].flatten()
        expected = float(functional.cross_entropy(logits[:, :-1].flatten(0, 1), following))
        assert found.hidden[position] == pytest.approx(expected - found.loss, abs=1e-4)


@pytest.mark.parametrize("seed", range(2))
def test_hiding_the_answer_costs_the_planted_model_its_answer(planted: GPTModel, seed: int) -> None:
    once = [3, 7, 1, 11, 0, 5, 9, 2]
    found = position_ablation(planted, [*once, *once], seed=seed)
    assert (found.hidden[1:8] > 0.02).all(), "each of the first tokens is what an induction head must find"
    assert np.abs(found.hidden[9:-2]).max() < found.hidden[1:8].min()
    assert found.zero > found.loss
    assert found.mean > found.loss


def test_a_look_leaves_no_trace(model: GPTModel) -> None:
    with torch.no_grad():
        expected = model(torch.tensor(TOKENS))
        ablation(model, TOKENS)
        position_ablation(model, TOKENS)
        neuron_ablation(model, TOKENS, layer=0, neurons=[1])
        assert torch.equal(model(torch.tensor(TOKENS)), expected)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_what_is_not_there_is_refused(model: GPTModel) -> None:
    for measure in (ablation, position_ablation):
        with pytest.raises(InspectionError, match="the text has one token, and a loss needs one that follows"):
            measure(model, [4])
    with pytest.raises(InspectionError, match="layer is 3; this model's layers are 0 to 2"):
        neuron_ablation(model, TOKENS, layer=3)
    with pytest.raises(InspectionError, match="neuron is 64; this model's neurons are 0 to 63"):
        neuron_ablation(model, TOKENS, layer=0, neurons=[64])
