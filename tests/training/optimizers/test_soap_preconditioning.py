"""SOAP before Muon against its algorithm in float64, and what it owes by construction."""

import numpy
import pytest
import torch
from numpy.typing import NDArray

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.training import OptimizerConfiguration, Optimizers
from gpt25.training.optimizers.soap_preconditioning import SOAPPreconditioning

BETA_2, EPSILON = 0.8, 1e-6
SOMETHING = 0.1  # known of all directions: a gradient of 5 rows alone would leave three of 8 columns to chance


class ByAlgorithm:
    """Vyas et al. 2024, algorithms 3 and 4, for one matrix; bases from the axes on, no corrected beginning."""

    def __init__(self, rows: int, columns: int, interval: int) -> None:
        self.interval = interval
        self.covariances = [SOMETHING * numpy.eye(rows), SOMETHING * numpy.eye(columns)]
        self.bases = [numpy.eye(rows), numpy.eye(columns)]
        self.squares = numpy.zeros((rows, columns))

    def __call__(self, update: NDArray, gradient: NDArray, number: int) -> NDArray:
        left, right = self.bases
        self.squares = BETA_2 * self.squares + (1 - BETA_2) * (left.T @ gradient @ right) ** 2
        found = left @ ((left.T @ update @ right) / (numpy.sqrt(self.squares) + EPSILON)) @ right.T
        both = gradient @ gradient.T, gradient.T @ gradient
        self.covariances = [BETA_2 * old + (1 - BETA_2) * new for old, new in zip(self.covariances, both, strict=True)]
        if number < self.interval or number % self.interval == 0:
            for side in (0, 1):
                held = [vector @ self.covariances[side] @ vector for vector in self.bases[side].T]
                order = numpy.argsort(held)[::-1]
                self.squares = numpy.take(self.squares, order, axis=side)
                self.bases[side] = numpy.linalg.qr(self.covariances[side] @ self.bases[side][:, order])[0]
        return found


def gradients_of(number: int, rows: int = 5, columns: int = 8) -> torch.Tensor:
    """Full of correlations: white noise between two fixed matrices, whose directions differ in size."""
    generator = torch.Generator().manual_seed(1)
    left, right = (torch.randn(size, size, generator=generator) for size in (rows, columns))
    left, right = left * torch.logspace(0, -2, rows), right * torch.logspace(0, -2, columns)
    noise = torch.randn(rows, columns, generator=torch.Generator().manual_seed(100 + number))
    return left @ noise @ right.T


@pytest.mark.parametrize("interval", [1, 3])
def test_it_is_the_algorithm(interval: int) -> None:
    preconditioning = SOAPPreconditioning(beta_2=BETA_2, interval_in_updates=interval, epsilon=EPSILON)
    parameter = torch.zeros(15, 8, dtype=torch.float64)
    state = preconditioning.make_state(parameter, 3)
    for side in ("row", "column"):
        state[f"{side}_covariance"].copy_(SOMETHING * state[f"{side}_basis"])  # the bases begin with the axes
    expected = [ByAlgorithm(5, 8, interval) for _ in range(3)]
    for number in range(8):
        gradients = [gradients_of(3 * number + part).double() for part in range(3)]
        updates = [gradient + gradients_of(1000 + part) for part, gradient in enumerate(gradients)]
        found = preconditioning(torch.cat(updates), torch.cat(gradients), state, step=number)
        for part, matrix in enumerate(found.chunk(3)):
            arguments = updates[part].numpy(), gradients[part].numpy()
            torch.testing.assert_close(
                matrix, torch.from_numpy(expected[part](*arguments, number)), rtol=1e-6, atol=1e-6
            )


def test_another_basis_changes_nothing_but_the_basis() -> None:
    """What Adam is not: with gradients Gᵢ turned to U Gᵢ W, updates are turned alike, once the bases have settled."""
    generator = torch.Generator().manual_seed(3)
    turn, other = (torch.linalg.qr(torch.randn(size, size, generator=generator).double())[0] for size in (5, 8))
    preconditioning = SOAPPreconditioning(beta_2=0.9, interval_in_updates=1, epsilon=0.0)
    straight, turned = (preconditioning.make_state(torch.zeros(5, 8).double(), 1) for _ in range(2))
    for number in range(200):
        gradient = gradients_of(number).double()
        expected = preconditioning(gradient, gradient, straight, step=number)
        found = preconditioning(turn @ gradient @ other, turn @ gradient @ other, turned, step=number)
    torch.testing.assert_close(found, turn @ expected @ other, rtol=0, atol=0.05)
    assert float((found - expected).abs().max()) > 0.5


def test_directions_of_all_sizes_become_alike() -> None:
    preconditioning = SOAPPreconditioning(beta_2=0.98, interval_in_updates=2, epsilon=1e-10)
    state = preconditioning.make_state(torch.zeros(5, 8), 1)
    before, after = torch.zeros(5, 5), torch.zeros(5, 5)
    for number in range(300):
        gradient = gradients_of(number)
        found = preconditioning(gradient, gradient, state, step=number)
        if number >= 200:
            before, after = before + gradient @ gradient.T, after + found @ found.T
    spread_before, spread_after = (
        float(values[-1] / values[0]) for values in map(torch.linalg.eigvalsh, (before, after))
    )
    assert spread_before > 1000
    assert spread_after < 2


def test_zeros_stay_zeros() -> None:
    preconditioning = SOAPPreconditioning(beta_2=0.9, interval_in_updates=1, epsilon=1e-10)
    state = preconditioning.make_state(torch.zeros(4, 3), 1)
    for number in range(3):
        found = preconditioning(torch.zeros(4, 3), torch.zeros(4, 3), state, step=number)
        assert not found.any()
    assert all(tensor.isfinite().all() for tensor in state.values())


SHAPE = GPTConfiguration(
    block_size=8, vocabulary_size=40, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=16
)
SETTINGS = OptimizerConfiguration(name="muon", muon_soap_beta_2=0.9, muon_soap_interval_in_updates=2)


def walk(settings: OptimizerConfiguration, numbers: range, *, broken: int | None = None) -> dict[str, torch.Tensor]:
    """Weights and state after updates with the same gradients for everybody; those of `broken` are NaN and skipped."""
    model = GPTModel(SHAPE, generator=torch.Generator().manual_seed(1))
    optimizers = Optimizers(model, settings)
    for number in numbers:
        generator = torch.Generator().manual_seed(number)
        for parameter in model.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
            if number == broken:
                parameter.grad.fill_(float("nan"))
        skip = torch.tensor(number == broken)
        optimizers.step(learning_rate_factor=1.0, progress=0.5, update=number, skip=skip)
    weights = {name: value.detach() for name, value in model.named_parameters()}
    return weights | optimizers.state()


def test_query_key_and_value_have_bases_of_their_own() -> None:
    found = walk(SETTINGS, range(3))
    name = "transformer.hidden.0.attention.query_key_value.weight"
    assert found[f"{name}/row_basis"].shape == (3, 16, 16)
    assert found[f"{name}/column_covariance"].shape == (3, 16, 16)
    expansion = next(key for key in found if "expansion" in key and key.endswith("/column_basis"))
    for basis in (found[f"{name}/row_basis"], found[expansion]):
        torch.testing.assert_close(basis.mT @ basis, torch.eye(basis.size(1)).expand_as(basis), rtol=0, atol=1e-5)
    plain = walk(OptimizerConfiguration(name="muon"), range(3))
    assert not torch.equal(found[name], plain[name])
    assert torch.equal(found[f"{name}/momentum"], plain[f"{name}/momentum"])


def test_a_first_update_that_is_not_finite_leaves_no_trace() -> None:
    whole, behind = walk(SETTINGS, range(1, 5)), walk(SETTINGS, range(5), broken=0)
    assert whole.keys() == behind.keys()
    assert all(torch.equal(whole[name], behind[name]) for name in whole)
