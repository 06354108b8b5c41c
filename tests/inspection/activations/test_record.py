"""Activations by name against transformers' own, and what must hold of reading and replacing them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from gpt25.errors import InspectionError
from gpt25.inspection import activation_names, edit, record
from gpt25.inspection.activations.continued import continued
from gpt25.model import GPTModel, quantise_int8

TOKENS = [3, 1, 4, 1, 5, 9, 2, 6, 22]
OTHERS = [7, 1, 0, 1, 8, 9, 2, 6, 3]


def hooked(twin: Any, module: str, *, before: bool = False) -> Callable[[list[int]], Tensor]:
    """What transformers' module of that name gives (or gets) of a text."""

    def run(tokens: list[int]) -> Tensor:
        found: list[Tensor] = []
        part = twin.get_submodule(module)
        first = lambda value: value[0] if isinstance(value, tuple) else value  # noqa: E731
        if before:
            handle = part.register_forward_pre_hook(lambda _, inputs: found.append(first(inputs)))
        else:
            handle = part.register_forward_hook(lambda _, inputs, output: found.append(first(output)))
        with torch.no_grad():
            twin(torch.tensor([tokens]))
        handle.remove()
        return found[0]

    return run


@pytest.mark.parametrize(
    ("name", "theirs", "before"),
    [
        ("transformer.embedding_dropout", "transformer.drop", False),
        ("transformer.hidden.1.layer_norm_1", "transformer.h.1.ln_1", False),
        ("transformer.hidden.1.attention", "transformer.h.1.attn", False),
        ("transformer.hidden.1.attention.query_key_value", "transformer.h.1.attn.c_attn", False),
        ("transformer.hidden.2.residual_before", "transformer.h.2", True),
        ("transformer.hidden.2.residual_middle", "transformer.h.2.ln_2", True),
        ("transformer.hidden.1.residual_after", "transformer.h.1", False),
        ("transformer.hidden.0.multi_layer_perceptron.expansion", "transformer.h.0.mlp.c_fc", False),
        ("transformer.hidden.0.multi_layer_perceptron.neurons", "transformer.h.0.mlp.c_proj", True),
        ("transformer.hidden.0.multi_layer_perceptron", "transformer.h.0.mlp", False),
        ("transformer.final_layer_norm", "transformer.ln_f", False),
        ("language_modeling_head", "lm_head", False),
    ],
)
def test_activations_are_those_of_transformers(
    model: GPTModel, twin_of: Callable[[GPTModel], Any], name: str, theirs: str, before: bool
) -> None:
    expected = hooked(twin_of(model), theirs, before=before)(TOKENS)
    found = record(model, TOKENS, name)
    assert list(found) == [name]
    assert found[name].shape == expected.shape
    assert (found[name] - expected).abs().max() < 1e-5
    assert expected.std() > 0.01


def test_heads_are_those_of_transformers(model: GPTModel, twin_of: Callable[[GPTModel], Any]) -> None:
    twin = twin_of(model)
    found = record(model, TOKENS, "transformer.hidden.1.attention*")
    at = lambda part: found[f"transformer.hidden.1.attention.{part}"]  # noqa: E731
    fused = hooked(twin, "transformer.h.1.attn.c_attn")(TOKENS)  # (1, time, 3 * channels)
    for part, third in zip(("query", "key", "value"), fused.split(16, dim=2), strict=True):
        expected = third.view(1, len(TOKENS), 2, 8).transpose(1, 2)  # (1, heads, time, head size)
        assert (at(part) - expected).abs().max() < 1e-5
    with torch.no_grad():
        attentions = twin(torch.tensor([TOKENS]), output_attentions=True).attentions
    assert (at("pattern") - attentions[1]).abs().max() < 1e-5
    gathered = hooked(twin, "transformer.h.1.attn.c_proj", before=True)(TOKENS)  # (1, time, channels)
    assert (at("mixed").transpose(1, 2).flatten(2) - gathered).abs().max() < 1e-5
    projection = twin.transformer.h[1].attn.c_proj
    for head in range(2):
        alone = torch.zeros_like(gathered)
        alone[..., 8 * head : 8 * head + 8] = gathered[..., 8 * head : 8 * head + 8]
        assert (at("head_outputs")[:, head] - (projection(alone) - projection.bias)).abs().max() < 1e-5
    total = at("head_outputs").sum(1) + model.transformer.hidden[1].attention.projection.bias
    assert (total - found["transformer.hidden.1.attention"]).abs().max() < 1e-5


@pytest.mark.parametrize("fields", [{}, {"number_of_heads": 4, "number_of_layers": 1}, {"number_of_heads": 1}])
def test_looking_changes_no_bit_and_leaves_no_trace(
    make_model: Callable[..., GPTModel], fields: dict[str, int]
) -> None:
    model = make_model(**fields)
    with torch.no_grad():
        expected = model(torch.tensor([TOKENS, OTHERS]))
    found = record(model, [TOKENS, OTHERS], "*")
    assert list(found) == activation_names(model)
    assert torch.equal(found["language_modeling_head"], expected)
    model.train()
    state = torch.random.get_rng_state()
    again = record(model, [TOKENS, OTHERS], "language_modeling_head")
    assert torch.equal(again["language_modeling_head"], expected)
    assert model.training
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_every_shape_is_as_the_docstring_says(make_model: Callable[..., GPTModel]) -> None:
    model = make_model(number_of_heads=4)
    found = record(model, [TOKENS, OTHERS], "*")
    batch, time, channels, heads, size = 2, len(TOKENS), 16, 4, 4
    for name, activation in found.items():
        expected: tuple[int, ...] = (batch, time, channels)
        part = name.rpartition(".")[2]
        if part in ("query", "key", "value", "mixed"):
            expected = (batch, heads, time, size)
        elif part == "pattern":
            expected = (batch, heads, time, time)
        elif part == "head_outputs":
            expected = (batch, heads, time, channels)
        elif part in ("neurons", "expansion"):
            expected = (batch, time, 4 * channels)
        elif part == "query_key_value":
            expected = (batch, time, 3 * channels)
        elif part == "word_positional_embeddings":
            expected = (time, channels)
        elif part == "language_modeling_head":
            expected = (batch, time, 23)
        assert tuple(activation.shape) == expected, name


def test_every_activation_in_its_own_place_changes_nothing(model: GPTModel) -> None:
    expected = record(model, TOKENS, "*")
    for name in activation_names(model):
        done = edit(model, TOKENS, {name: expected[name].clone()})
        assert (done.logits - expected["language_modeling_head"]).abs().max() < 1e-5, name


def test_every_activation_from_another_text_is_what_the_model_goes_on_with(model: GPTModel) -> None:
    own, other = record(model, TOKENS, "*"), record(model, OTHERS, "*")
    for name in activation_names(model):
        done = edit(model, TOKENS, {name: other[name]}, name)
        assert torch.equal(done.activations[name], other[name]), name
        if name != "transformer.word_positional_embeddings":
            assert (done.logits - own["language_modeling_head"]).abs().max() > 1e-3, name


def test_the_stream_of_another_text_gives_the_other_text_s_logits(model: GPTModel) -> None:
    other = record(model, OTHERS, "*")
    for layer in range(3):
        for part in ("residual_before", "residual_middle", "residual_after"):
            name = f"transformer.hidden.{layer}.{part}"
            logits = edit(model, TOKENS, {name: other[name]}).logits
            assert (logits - other["language_modeling_head"]).abs().max() < 1e-4, name


@pytest.mark.parametrize(
    ("name", "theirs", "before"),
    [
        ("transformer.hidden.1.residual_after", "transformer.h.1", False),
        ("transformer.hidden.1.multi_layer_perceptron.neurons", "transformer.h.1.mlp.c_proj", True),
        ("transformer.hidden.1.attention", "transformer.h.1.attn", False),
        ("transformer.hidden.1.layer_norm_2", "transformer.h.1.ln_2", False),
    ],
)
def test_an_edit_is_what_transformers_makes_of_it(
    model: GPTModel, twin_of: Callable[[GPTModel], Any], name: str, theirs: str, before: bool
) -> None:
    twin = twin_of(model)

    def change(activation: Tensor) -> Tensor:
        activation[:, 2:5] = -0.5 * activation[:, 2:5]
        return activation

    def hook(module: Any, inputs: Any, output: Any = None) -> Any:
        given = inputs if before else output
        if isinstance(given, tuple):
            return (change(given[0].clone()), *given[1:])
        return change(given.clone())

    part = twin.get_submodule(theirs)
    handle = part.register_forward_pre_hook(hook) if before else part.register_forward_hook(hook)
    with torch.no_grad():
        expected = twin(torch.tensor([TOKENS])).logits
    handle.remove()
    assert (edit(model, TOKENS, {name: change}).logits - expected).abs().max() < 1e-4


def test_a_pattern_can_be_replaced(model: GPTModel) -> None:
    """Every head of every layer looks at its own position only: then no token knows of another."""
    alone = edit(model, TOKENS, {"*.pattern": lambda pattern: torch.eye(len(TOKENS)).expand_as(pattern)}).logits
    other = edit(model, [9, *TOKENS[1:]], {"*.pattern": lambda p: torch.eye(len(TOKENS)).expand_as(p)}).logits
    assert torch.equal(alone[0, 1:], other[0, 1:])
    assert not torch.equal(alone[0, 0], other[0, 0])


def test_edits_follow_one_another_and_recordings_are_behind_them(model: GPTModel) -> None:
    name = "transformer.hidden.0.attention.mixed"
    first = record(model, TOKENS, name)[name]
    done = edit(model, TOKENS, {"*.0.*.mixed": lambda mixed: 2 * mixed, name: lambda mixed: mixed + 1}, name)
    assert torch.equal(done.activations[name], 2 * first + 1)


def test_a_model_in_int8_is_read_and_refuses_what_needs_floats(make_model: Callable[..., GPTModel]) -> None:
    model = quantise_int8(make_model(number_of_embedding_dimensions=32))
    found = record(model, TOKENS, ["*.pattern", "language_modeling_head", "*.neurons"])
    with torch.no_grad():
        assert torch.equal(found["language_modeling_head"], model(torch.tensor([TOKENS])))
    with pytest.raises(InspectionError, match="head_outputs needs weights in floating point"):
        record(model, TOKENS, "*.head_outputs")
    with pytest.raises(InspectionError, match="neurons needs weights in floating point"):
        edit(model, TOKENS, {"*.neurons": torch.zeros_like})
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize(
    ("tokens", "names", "message"),
    [
        (TOKENS, "transformer.hiden.0", "no activation of this model is called 'transformer.hiden.0'; the nearest is"),
        (TOKENS, "*.3.*", r"no activation of this model is called '\*.3.\*'"),
        (TOKENS, [], "no activation was named"),
        ([[1, 2], [1, 2, 3]], "*", "from 2 to 3 tokens; texts of one batch must be equally long"),
        ([], "*", "0 token ids were given; this model reads from 1 to 12 at once"),
        ([[23]], "*", "token id 23 is not one of this model's, 0 to 22"),
    ],
)
def test_what_is_not_there_is_refused(model: GPTModel, tokens: Any, names: Any, message: str) -> None:
    with pytest.raises(InspectionError, match=message):
        record(model, tokens, names)


@pytest.mark.parametrize("change", [torch.zeros(1, 2, 3), lambda _: None])
def test_an_edit_of_another_shape_is_refused(model: GPTModel, change: Any) -> None:
    with pytest.raises(InspectionError, match=r"edit of transformer.hidden.0 gave .*must be a tensor of \(1, 9, 16\)"):
        edit(model, TOKENS, {"transformer.hidden.0": change})


def test_a_computation_goes_on_from_the_middle_with_the_same_bits(model: GPTModel) -> None:
    found = record(model, [TOKENS, OTHERS], "*")
    with torch.no_grad():
        for layer in range(3):
            stream = found[f"transformer.hidden.{layer}.residual_before"]
            assert torch.equal(continued(model, layer, stream), found["transformer.final_layer_norm"])
        behind = continued(model, 3, found["transformer.hidden.2.residual_after"])
        assert torch.equal(behind, found["transformer.final_layer_norm"])
