"""AdamW against torch's own step by step, Muon's part of the parameters, and the state under names."""

import pytest
import torch

from gpt25.errors import CorruptFileError
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.training import OptimizerConfiguration
from gpt25.training.optimizers.optimizers import Optimizers
from gpt25.training.optimizers.orthogonalise import NEWTON_SCHULZ, POLAR_EXPRESS, orthogonalise

SHAPE = GPTConfiguration(
    block_size=8, vocabulary_size=50, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=16
)


def model_of(seed: int = 1) -> GPTModel:
    return GPTModel(SHAPE, generator=torch.Generator().manual_seed(seed))


def give_gradients(model: GPTModel, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)


def state_of(model: GPTModel) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def test_adamw_is_torchs_with_decay_on_matrices_and_embeddings_only() -> None:
    settings = OptimizerConfiguration(
        peak_learning_rate=0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-6, weight_decay=0.5, clip_gradient_norm=None
    )
    ours, theirs = model_of(), model_of()
    optimizers = Optimizers(ours, settings)
    free = [value for name, value in theirs.named_parameters() if name.endswith("bias") or "layer_norm" in name]
    decayed = [value for value in theirs.parameters() if all(value is not other for other in free)]
    assert len(free) + len(decayed) == len(list(theirs.parameters()))
    reference = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.5}, {"params": free, "weight_decay": 0.0}],
        betas=(0.8, 0.9),
        eps=1e-6,
        fused=False,
        foreach=False,
    )
    for step, factor in enumerate((0.5, 1.0, 0.25)):
        for model in (ours, theirs):
            give_gradients(model, step)
        for group in reference.param_groups:
            group["lr"] = 0.01 * factor
        reference.step()
        optimizers.step(learning_rate_factor=factor, progress=0.0)
    for (name, value), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(value, other, rtol=1e-5, atol=1e-6, msg=lambda text, n=name: f"{n}: {text}")


def test_muon_moves_the_matrices_of_the_blocks_and_adamw_the_rest() -> None:
    model = model_of()
    optimizers = Optimizers(model, OptimizerConfiguration(name="muon"))
    give_gradients(model, 1)
    optimizers.step(learning_rate_factor=1.0, progress=0.0)
    of_muon = {name.rpartition("/")[0] for name in optimizers.state() if name.endswith("/momentum")}
    of_adamw = {name.rpartition("/")[0] for name in optimizers.state() if name.endswith("/exp_avg")}
    matrices = ("query_key_value", "attention.projection", "expansion", "multi_layer_perceptron.projection")
    assert of_muon == {f"transformer.hidden.{layer}.{path}.weight" for layer in (0, 1) for path in _paths(matrices)}
    assert of_adamw == {name for name, _ in model.named_parameters()} - of_muon


def _paths(names: tuple[str, ...]) -> list[str]:
    prefixes = {"query_key_value": "attention.", "expansion": "multi_layer_perceptron."}
    return [prefixes.get(name, "") + name for name in names]


def test_query_key_and_value_are_three_matrices_to_muon() -> None:
    name = "transformer.hidden.0.attention.query_key_value.weight"
    before, model = model_of(), model_of()
    optimizers = Optimizers(model, OptimizerConfiguration(name="muon", muon_peak_learning_rate=0.1))
    give_gradients(model, 1)
    # A key gradient a million times as large as the others would drown them in one matrix of three.
    model.get_parameter(name).grad[16:32] *= 1e6
    optimizers.step(learning_rate_factor=1.0, progress=0.0)
    moved = (model.get_parameter(name) - before.get_parameter(name)).detach()
    lengths = [float(part.square().mean().sqrt()) for part in moved.chunk(3)]
    assert lengths == pytest.approx([0.2 * 0.1] * 3, rel=0.1)


def test_rates_and_momentum_follow_the_run() -> None:
    model = model_of()
    settings = OptimizerConfiguration(
        name="muon", peak_learning_rate=0.1, muon_peak_learning_rate=0.2, muon_initial_momentum=0.5, muon_momentum=0.9
    )
    optimizers = Optimizers(model, settings)
    give_gradients(model, 1)
    optimizers.step(learning_rate_factor=0.5, progress=0.05)
    adamw, muon = optimizers._each()
    assert {group["lr"] for group in adamw.param_groups} == {0.05}
    assert {(group["lr"], group["momentum"]) for group in muon.param_groups} == {(0.1, 0.7)}


@pytest.mark.parametrize(
    "settings",
    [
        OptimizerConfiguration(name="adamw"),
        OptimizerConfiguration(name="adamw", cautious_weight_decay=True),
        OptimizerConfiguration(name="muon"),
        OptimizerConfiguration(name="muon", muon_beta_2=0.9, muon_weight_decay=0.1, cautious_weight_decay=True),
    ],
)
def test_state_goes_out_and_in_bit_for_bit(settings: OptimizerConfiguration) -> None:
    one, other = model_of(), model_of()
    first, second = Optimizers(one, settings), Optimizers(other, settings)
    assert not any(tensor.any() for tensor in first.state().values())
    for step in (1, 2):
        give_gradients(one, step)
        first.step(learning_rate_factor=1.0, progress=0.5)
    other.load_state_dict(one.state_dict())
    second.load_state({name: tensor.clone() for name, tensor in first.state().items()})
    for model, optimizers in ((one, first), (other, second)):
        give_gradients(model, 3)
        optimizers.step(learning_rate_factor=1.0, progress=0.5)
    for parameter, expected in zip(other.parameters(), one.parameters(), strict=True):
        assert torch.equal(parameter, expected)


def test_the_rows_second_moments_are_state_under_the_parameters_names() -> None:
    model = model_of()
    optimizers = Optimizers(model, OptimizerConfiguration(name="muon", muon_beta_2=0.75))
    give_gradients(model, 1)
    optimizers.step(learning_rate_factor=1.0, progress=0.0)
    moments = {name: value for name, value in optimizers.state().items() if name.endswith("/neuron_second_moment")}
    names = {name.rpartition("/")[0] for name in moments}
    assert names == {name.rpartition("/")[0] for name in optimizers.state() if name.endswith("/momentum")}
    for name, value in moments.items():
        assert value.shape == (len(model.get_parameter(name.rpartition("/")[0])),)
    # A quarter of the mean squares of three orthogonal matrices, whose elements are about 1 / 16 each.
    query_key_value = moments["transformer.hidden.0.attention.query_key_value.weight/neuron_second_moment"]
    assert [float(part.mean()) for part in query_key_value.chunk(3)] == pytest.approx([0.25 / 16] * 3, rel=0.2)


@pytest.mark.parametrize("skipped", [True, False])
def test_skipping_undoes_rows_and_cautious_decay(skipped: bool) -> None:
    settings = OptimizerConfiguration(name="muon", muon_beta_2=0.9, muon_weight_decay=0.1, cautious_weight_decay=True)
    model, other = model_of(), model_of()
    optimizers, reference = Optimizers(model, settings), Optimizers(other, settings)
    for each in (model, other):
        give_gradients(each, 1)
    optimizers.step(learning_rate_factor=1.0, progress=0.0)
    reference.step(learning_rate_factor=1.0, progress=0.0)
    give_gradients(model, 2)
    give_gradients(other, 2)
    if skipped:
        for parameter in model.parameters():
            parameter.grad.fill_(float("nan"))
    else:
        reference.step(learning_rate_factor=1.0, progress=0.0)
    optimizers.step(learning_rate_factor=1.0, progress=0.0, skip=torch.tensor(skipped))
    for found, expected in ((state_of(model), state_of(other)), (optimizers.state(), reference.state())):
        assert all(torch.equal(found[name], value) for name, value in expected.items())


@pytest.mark.parametrize("polynomial", ["polar_express", "newton_schulz"])
def test_the_polynomial_is_the_configurations(polynomial: str) -> None:
    model, name = model_of(), "transformer.hidden.0.multi_layer_perceptron.projection.weight"
    give_gradients(model, 1)
    settings = OptimizerConfiguration(name="muon", muon_polynomial=polynomial, muon_peak_learning_rate=1.0)
    Optimizers(model, settings).step(learning_rate_factor=1.0, progress=0.0)
    moved = (model_of().get_parameter(name) - model.get_parameter(name)).detach() / (0.2 * 8)
    differences = {
        word: float((moved - orthogonalise(model.get_parameter(name).grad.unsqueeze(0), polynomials)[0]).abs().max())
        for word, polynomials in {"polar_express": POLAR_EXPRESS, "newton_schulz": NEWTON_SCHULZ}.items()
    }
    assert differences.pop(polynomial) < 1e-4
    assert all(difference > 0.01 for difference in differences.values())


def test_zeroed_gradients_are_gone() -> None:
    model = model_of()
    give_gradients(model, 1)
    Optimizers(model, OptimizerConfiguration()).zero_gradients()
    assert all(parameter.grad is None for parameter in model.parameters())


def a_state() -> tuple[Optimizers, dict[str, torch.Tensor]]:
    model = model_of()
    optimizers = Optimizers(model, OptimizerConfiguration())
    give_gradients(model, 1)
    optimizers.step(learning_rate_factor=1.0, progress=0.0)
    return optimizers, dict(optimizers.state())


def test_a_state_that_lacks_a_tensor_is_refused() -> None:
    optimizers, state = a_state()
    del state["transformer.final_layer_norm.bias/exp_avg"]
    with pytest.raises(CorruptFileError, match=r"1 are missing \(transformer.final_layer_norm.bias/exp_avg\), and 0"):
        optimizers.load_state(state)


def test_a_state_of_another_optimizer_is_refused() -> None:
    _, state = a_state()
    other = Optimizers(model_of(), OptimizerConfiguration(name="muon"))
    with pytest.raises(CorruptFileError, match=r"8 are missing \(.*/momentum\), and 24 are unknown"):
        other.load_state(state)


def test_a_state_of_another_shape_is_refused() -> None:
    optimizers, state = a_state()
    name = "transformer.word_token_embeddings.weight/exp_avg"
    state[name] = state[name][:-1]
    with pytest.raises(CorruptFileError, match=rf"{name} .* has the shape \(49, 16\), expected \(50, 16\)"):
        optimizers.load_state(state)
