"""NorMuon's rows against its algorithm in float64."""

import torch

from gpt25.training.optimizers.normuon import normuon_normalise


def by_algorithm(update: torch.Tensor, moment: torch.Tensor, beta_2: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Li et al. 2025, algorithm 1, for one matrix (rows, columns), row by row; its length is that of the update."""
    rows, moments = [], []
    for row, old in zip(update.double(), moment.double(), strict=True):
        moments.append(beta_2 * old + (1 - beta_2) * sum(value * value for value in row) / len(row))
        rows.append(row / (moments[-1].sqrt() + 1e-8))
    matrix = torch.stack(rows)
    return matrix * update.double().norm() / matrix.norm(), torch.stack(moments)


def test_rows_are_divided_and_the_length_restored() -> None:
    generator = torch.Generator().manual_seed(1)
    moments = [torch.zeros(5) for _ in range(3)]
    expected = [torch.zeros(5, dtype=torch.float64) for _ in range(3)]
    for _ in range(4):
        updates = torch.randn(3, 5, 7, generator=generator) * torch.tensor([1.0, 3.0, 0.1, 10.0, 1.0]).unsqueeze(-1)
        found = normuon_normalise(updates, moments, beta_2=0.8)
        for number in range(3):
            matrix, expected[number] = by_algorithm(updates[number], expected[number], 0.8)
            torch.testing.assert_close(found[number].double(), matrix, rtol=1e-5, atol=1e-6)
            torch.testing.assert_close(moments[number].double(), expected[number], rtol=1e-5, atol=1e-9)
        torch.testing.assert_close(found.norm(dim=(1, 2)), updates.norm(dim=(1, 2)))
    # After some updates all neurons move about as far, where before one moved a hundred times as far as another.
    lengths = found.norm(dim=2)
    assert float(lengths.max() / lengths.min()) < 5


def test_zeros_stay_zeros() -> None:
    moments = [torch.zeros(2)]
    assert not normuon_normalise(torch.zeros(1, 2, 3), moments, beta_2=0.9).any()
    assert not moments[0].any()
    updates = torch.tensor([[[0.0, 0.0], [3.0, 4.0]]])
    assert normuon_normalise(updates, moments, beta_2=0.9)[0, 0].tolist() == [0, 0]
