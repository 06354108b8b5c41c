"""Neurons that a token excites, the texts that excite a neuron, and norms of the stream."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from gpt25.errors import InspectionError
from gpt25.inspection import excited_neurons, promoted_tokens, residual_norms, top_texts
from gpt25.model import GPTModel

TOKENS = [3, 1, 4, 1, 5, 9, 2]
TEXTS = [[3, 1, 4], [1, 5, 9, 2, 6], [22], [7, 7, 0, 1]]


def neurons_of(twin: Any, tokens: list[int]) -> torch.Tensor:
    """Behind GELU in transformers: (layers, time, neurons)."""
    found: list[torch.Tensor] = []
    handles = [b.mlp.c_proj.register_forward_pre_hook(lambda _, i: found.append(i[0][0])) for b in twin.transformer.h]
    with torch.no_grad():
        twin(torch.tensor([tokens]))
    for handle in handles:
        handle.remove()
    return torch.stack(found)


@pytest.mark.parametrize("position", [-1, 2])
def test_the_strongest_are_those_of_transformers(
    model: GPTModel, twin_of: Callable[[GPTModel], Any], position: int
) -> None:
    activations = neurons_of(twin_of(model), TOKENS)[:, position]  # (layers, neurons)
    found = excited_neurons(model, TOKENS, position=position, count=12)
    expected = activations.flatten().topk(12)
    assert [each.layer * 64 + each.neuron for each in found] == expected.indices.tolist()
    assert np.allclose([each.activation for each in found], expected.values, atol=1e-4)
    assert found[0].promotes == promoted_tokens(model, found[0].layer, found[0].neuron)


def test_a_planted_neuron_is_found_with_what_it_says(planted: GPTModel) -> None:
    """It is on where the token is 4, and writes token 9."""
    perceptron: Any = planted.transformer.hidden[1].multi_layer_perceptron
    with torch.no_grad():
        perceptron.expansion.weight[33, 4] = 10.0
        perceptron.projection.weight[9, 33] = 1.0
    found = excited_neurons(planted, [1, 2, 4], count=1, promoted=1)[0]
    assert (found.layer, found.neuron, found.promotes) == (1, 33, (9,))
    places = top_texts(planted, [[1, 2, 3], [5, 4, 6], [7, 8]], [(1, 33), (0, 0)], count=1)
    assert (places[0][0].text, places[0][0].position) == (1, 1)
    assert places[0][0].activation > 10
    assert len(places) == 2


def test_top_texts_are_those_of_transformers(model: GPTModel, twin_of: Callable[[GPTModel], Any]) -> None:
    twin = twin_of(model)
    runs: list[int] = []
    found = top_texts(model, TEXTS, [(2, 5), (0, 60)], count=3, progress=runs.append)
    assert runs == [1] * 4
    for (layer, neuron), places in zip([(2, 5), (0, 60)], found, strict=True):
        strongest = [neurons_of(twin, text)[layer, :, neuron].max(0) for text in TEXTS]
        order = sorted(range(4), key=lambda number: -float(strongest[number].values))[:3]
        assert [place.text for place in places] == order
        assert [place.position for place in places] == [int(strongest[number].indices) for number in order]
        assert np.allclose([place.activation for place in places], [strongest[n].values for n in order], atol=1e-4)
    assert top_texts(model, TEXTS, []) == []


def test_norms_are_those_of_transformers(model: GPTModel, twin_of: Callable[[GPTModel], Any]) -> None:
    twin = twin_of(model)
    kept: dict[str, torch.Tensor] = {}
    first = lambda output: output[0] if isinstance(output, tuple) else output  # noqa: E731
    for name, module in twin.named_modules():
        if name.endswith((".attn", ".mlp")):
            module.register_forward_hook(lambda _, i, o, name=name: kept.update({name: first(o)}))
    streams: list[torch.Tensor] = []
    twin.transformer.h[0].register_forward_pre_hook(lambda _, i: streams.append(i[0]))
    for block in twin.transformer.h:
        block.register_forward_hook(lambda _, i, o: streams.append(first(o)))
    with torch.no_grad():
        twin(torch.tensor([TOKENS]))
    found = residual_norms(model, TOKENS)
    expected = np.stack([stream.view(7, 16).norm(dim=-1).numpy() for stream in streams])
    assert found.stream.shape == (4, 7)
    assert np.allclose(found.stream, expected, rtol=1e-4)
    for layer in range(3):
        for ours, name in ((found.attention, "attn"), (found.multi_layer_perceptron, "mlp")):
            written = kept[f"transformer.h.{layer}.{name}"].view(7, 16).norm(dim=-1).numpy()
            assert np.allclose(ours[layer], written, rtol=1e-4)


def test_what_is_not_there_is_refused(model: GPTModel) -> None:
    with pytest.raises(InspectionError, match="position is 7; this text has the positions 0 to 6"):
        excited_neurons(model, TOKENS, position=7)
    with pytest.raises(InspectionError, match="0 neurons were asked for"):
        excited_neurons(model, TOKENS, count=0)
    with pytest.raises(InspectionError, match="no neuron 64 of layer 0; this model has 3 layers of 64"):
        top_texts(model, TEXTS, [(0, 64)])
    with pytest.raises(InspectionError, match="0 token ids were given"):
        top_texts(model, [[]], [(0, 1)])
