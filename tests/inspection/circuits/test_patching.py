"""Patching between two prompts: against transformers with hooks, and on planted circuits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gpt25.errors import InspectionError
from gpt25.inspection import activation_patching, head_patching, path_patching, prompt_pair
from gpt25.inspection.circuits import restored_shares
from gpt25.model import GPTModel

CLEAN = [3, 1, 4, 1, 5, 9, 2]
CORRUPTED = [3, 1, 8, 1, 5, 9, 2]
ANSWER, OTHER = 6, 11

Changes = dict[str, Callable[[Tensor], Tensor]] | None


class Hooked:
    """A twin in transformers whose modules' outputs can be kept and replaced."""

    def __init__(self, twin: Any) -> None:
        self.twin = twin

    def __call__(self, tokens: list[int], changes: Changes = None) -> dict[str, Any]:
        found: dict[str, Any] = {}
        handles = []
        for name, module in self.twin.named_modules():
            if not name or "." not in name:
                continue

            def hook(_: Any, inputs: Any, output: Any, name: str = name) -> Any:
                first = output[0] if isinstance(output, tuple) else output
                if changes and name in changes:
                    first = changes[name](first.clone())
                found[name] = first
                return (first, *output[1:]) if isinstance(output, tuple) else first

            def before(_: Any, inputs: Any, name: str = name) -> Any:
                first = inputs[0] if inputs else None
                if changes and f"before {name}" in changes:
                    first = changes[f"before {name}"](first.clone())
                    inputs = (first, *inputs[1:])
                found[f"before {name}"] = first
                return inputs

            handles += [module.register_forward_hook(hook), module.register_forward_pre_hook(before)]
        with torch.no_grad():
            found["logits"] = self.twin(torch.tensor([tokens])).logits[0, -1].double()
        for handle in handles:
            handle.remove()
        return found

    def difference(self, tokens: list[int], changes: Changes = None) -> float:
        logits = self(tokens, changes)["logits"]
        return float(logits[ANSWER] - logits[OTHER])


@pytest.fixture
def hooked(model: GPTModel, twin_of: Callable[[GPTModel], Any]) -> Hooked:
    return Hooked(twin_of(model))


def at(position: int, source: Tensor) -> Callable[[Tensor], Tensor]:
    def change(activation: Tensor) -> Tensor:
        activation[:, position] = source[:, position]
        return activation

    return change


def test_activation_patching_is_that_of_transformers(
    model: GPTModel, hooked: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restored_shares, "TOKENS_AT_ONCE", 16)  # several batches, the last one smaller
    runs: list[int] = []
    pair = prompt_pair(model, CLEAN, CORRUPTED, answer=ANSWER, other=OTHER)
    found = activation_patching(model, pair, progress=runs.append)
    assert sum(runs) == (3 * 3 + 1) * 7 + 3 * 2
    clean = hooked(CLEAN)
    low, high = hooked.difference(CORRUPTED), hooked.difference(CLEAN)
    assert pair.clean_difference == pytest.approx(high, rel=1e-4)
    assert pair.corrupted_difference == pytest.approx(low, rel=1e-4)

    def share(name: str, change: Callable[[Tensor], Tensor]) -> float:
        return (hooked.difference(CORRUPTED, {name: change}) - low) / (high - low)

    for layer in range(3):
        for position in range(7):
            for ours, name in (
                (found.attention, f"transformer.h.{layer}.attn"),
                (found.multi_layer_perceptron, f"transformer.h.{layer}.mlp"),
                (found.residual[1:], f"transformer.h.{layer}"),
            ):
                assert ours[layer, position] == pytest.approx(share(name, at(position, clean[name])), abs=1e-3)
            embedded = at(position, clean["transformer.drop"])
            assert found.residual[0, position] == pytest.approx(share("transformer.drop", embedded), abs=1e-3)
        for head in range(2):
            name = f"before transformer.h.{layer}.attn.c_proj"

            def of_head(mixed: Tensor, name: str = name, head: int = head) -> Tensor:
                mixed[..., 8 * head : 8 * head + 8] = clean[name][..., 8 * head : 8 * head + 8]
                return mixed

            assert found.heads[layer, head] == pytest.approx(share(name, of_head), abs=1e-3)
    assert np.abs(found.heads).max() > 0.05
    assert np.array_equal(head_patching(model, pair), found.heads)


@pytest.mark.parametrize(
    ("receiver", "reads", "layer", "is_perceptron"),
    [
        ("logits", "transformer.ln_f", 3, False),
        ("transformer.hidden.1.attention", "transformer.h.1.ln_1", 1, False),
        ("transformer.hidden.2.multi_layer_perceptron", "transformer.h.2.ln_2", 2, True),
    ],
)
def test_path_patching_is_that_of_transformers(
    model: GPTModel, hooked: Hooked, receiver: str, reads: str, layer: int, is_perceptron: bool
) -> None:
    """The long way: every part but the sender is held, the receiver's input kept, and then given to it alone."""
    found = path_patching(model, prompt_pair(model, CLEAN, CORRUPTED, answer=ANSWER, other=OTHER), receiver=receiver)
    clean, corrupted = hooked(CLEAN), hooked(CORRUPTED)
    low, high = hooked.difference(CORRUPTED), hooked.difference(CLEAN)
    parts = [f"transformer.h.{number}.{part}" for number in range(3) for part in ("attn", "mlp")]

    def share(sender: str, change: Callable[[Tensor], Tensor]) -> float:
        held = {name: (lambda _, name=name: corrupted[name]) for name in parts}
        received = hooked(CORRUPTED, {**held, sender: change})[f"before {reads}"]
        changes = {f"before {reads}": lambda _: received}
        return (hooked.difference(CORRUPTED, changes) - low) / (high - low)

    for number in range(3):
        for part, ours in (("attn", found.attention), ("mlp", found.multi_layer_perceptron)):
            is_before = number < layer or (is_perceptron and part == "attn" and number == layer)
            for position in (2, 6):
                if not is_before:
                    assert np.isnan(ours[number, position])
                    continue
                name = f"transformer.h.{number}.{part}"
                change = at(position, clean[name])
                expected = share(name, lambda _, change=change, name=name: change(corrupted[name].clone()))
                assert ours[number, position] == pytest.approx(expected, abs=1e-3)
    embedded = at(2, clean["transformer.drop"])
    assert found.embeddings[2] == pytest.approx(share("transformer.drop", embedded), abs=1e-3)
    for number in range(3):
        name = f"transformer.h.{number}.attn"
        projection = hooked.twin.transformer.h[number].attn.c_proj
        gathered = clean[f"before {name}.c_proj"].clone()
        gathered[..., 8:] = corrupted[f"before {name}.c_proj"][..., 8:]
        if number < layer or (is_perceptron and number == layer):
            with torch.no_grad():
                written = projection(gathered)
            assert found.heads[number, 0] == pytest.approx(share(name, lambda _, w=written: w), abs=1e-3)
        else:
            assert np.isnan(found.heads[number]).all()


# Tokens 1 to 9 once, then 4: the induction head of the planted model says 5, or 7 if 4 was followed by 7.
PLANTED_CLEAN = [1, 2, 4, 5, 8, 9, 4]
PLANTED_CORRUPTED = [1, 2, 4, 7, 8, 9, 4]


def test_patching_finds_the_planted_circuit(planted: GPTModel) -> None:
    pair = prompt_pair(planted, PLANTED_CLEAN, PLANTED_CORRUPTED)
    assert (pair.answer, pair.other) == (5, 7)
    found = activation_patching(planted, pair)
    assert np.allclose(found.heads, [[0, 0], [1, 0]], atol=1e-3), "the induction head carries the answer alone"
    assert np.allclose(found.attention[1], [0, 0, 0, 0, 0, 0, 1], atol=1e-3)
    assert np.allclose(found.residual[0], [0, 0, 0, 1, 0, 0, 0], atol=1e-3), "which token it is stands at position 3"
    assert np.allclose(found.residual[1], [0, 0, 0, 1, 0, 0, 0], atol=1e-3)
    assert np.allclose(found.residual[2], [0, 0, 0, 0, 0, 0, 1], atol=1e-3), "behind the induction head at the last"
    assert np.allclose(found.multi_layer_perceptron, 0, atol=1e-3)


def test_path_patching_finds_that_induction_composes_through_its_keys(planted: GPTModel) -> None:
    """What differs is which token stands before the answer: only the head before can tell the induction head's keys."""
    pair = prompt_pair(planted, [1, 4, 5, 6, 7, 2, 4], [1, 6, 5, 4, 7, 2, 4])
    assert (pair.answer, pair.other) == (5, 7)
    key = path_patching(planted, pair, receiver="transformer.hidden.1.attention.key", receiver_head=0)
    assert key.heads[0, 0] > 0.9
    assert abs(key.heads[0, 1]) < 1e-3
    assert np.isnan(key.heads[1]).all()
    assert np.abs(key.embeddings).max() < 0.05
    for part in ("query", "value"):
        other = path_patching(planted, pair, receiver=f"transformer.hidden.1.attention.{part}", receiver_head=0)
        assert np.abs(other.heads[0]).max() < 0.05
    whole = path_patching(planted, pair, receiver="transformer.hidden.1.attention")
    assert whole.heads[0, 0] > 0.9
    idle = path_patching(planted, pair, receiver="transformer.hidden.1.attention.key", receiver_head=1)
    assert np.abs(idle.heads[0]).max() < 1e-3
    assert idle.receiver == "transformer.hidden.1.attention.key of head 1"
    direct = path_patching(planted, pair)
    assert direct.heads[1, 0] > 0.9
    assert np.abs(direct.heads[0]).max() < 0.05


@pytest.mark.parametrize(
    ("clean", "corrupted", "options", "message"),
    [
        ([1, 2], [1, 2, 3], {}, "the prompts have 2 and 3 tokens; patching needs equally many"),
        ([1, 2], [1, 2], {}, "the two prompts are the same tokens"),
        ([1, 2], [1, 3], {"answer": 23}, "token id 23 is not one of this model's, 0 to 22"),
        ([1, 2], [1, 3], {"answer": 5, "other": 5}, "after both prompts the model says the same, token 5; name an"),
        ([1, 23], [1, 3], {}, "token id 23 is not one"),
    ],
)
def test_pairs_that_cannot_be_compared_are_refused(
    model: GPTModel, clean: list[int], corrupted: list[int], options: dict[str, int], message: str
) -> None:
    with pytest.raises(InspectionError, match=message):
        prompt_pair(model, clean, corrupted, **options)


def test_prompts_that_differ_in_nothing_that_counts_are_refused(planted: GPTModel) -> None:
    with pytest.raises(InspectionError, match="the same difference of logits"):
        prompt_pair(planted, [1, 2, 3], [2, 1, 3], answer=8, other=9)


@pytest.mark.parametrize(
    ("receiver", "head", "message"),
    [
        ("transformer.hidden.3.attention", None, r"'transformer.hidden.3.attention' receives nothing; .*from 0 to 2"),
        ("transformer.hidden.1", None, "receives nothing"),
        ("transformer.hidden.1.attention", 0, "of head 0 receives nothing"),
        ("logits", 1, "of head 1 receives nothing"),
        ("transformer.hidden.1.attention.key", 2, "head is 2; this model's heads are 0 to 1"),
    ],
)
def test_other_receivers_are_refused(model: GPTModel, receiver: str, head: int | None, message: str) -> None:
    pair = prompt_pair(model, CLEAN, CORRUPTED, answer=ANSWER, other=OTHER)
    with pytest.raises(InspectionError, match=message):
        path_patching(model, pair, receiver=receiver, receiver_head=head)
