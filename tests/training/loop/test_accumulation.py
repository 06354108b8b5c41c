import contextlib
from collections.abc import Callable

import pytest
import torch

from gpt25.errors import ConfigurationError
from gpt25.runtime import Ranks
from gpt25.training import TrainingConfiguration
from gpt25.training.loop.accumulation import accumulate_gradients, fitting_micro_batch_rows

Change = Callable[..., TrainingConfiguration]


@pytest.mark.parametrize(
    ("rows", "wanted", "ranks", "fitting"),
    [(12, 4, 1, 4), (12, 5, 1, 4), (12, 100, 1, 12), (12, 4, 2, 3), (7, 4, 1, 1)],
)
def test_micro_batches_share_an_update_equally(
    rows: int, wanted: int, ranks: int, fitting: int, changed: Change
) -> None:
    settings = changed(batch={"tokens_per_update": rows * 32, "micro_batch_rows": wanted})
    assert fitting_micro_batch_rows(settings, Ranks(0, ranks), rows=rows) == fitting


def test_ranks_that_cannot_share_are_told_the_numbers(changed: Change) -> None:
    with pytest.raises(ConfigurationError, match="4 rows of 32 tokens make an update; 3 ranks cannot share"):
        fitting_micro_batch_rows(changed(), Ranks(0, 3), rows=4)


class Recorder(torch.nn.Module):
    """A loss that is the mean of weight × id, and remembers the shapes it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(2.0))
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, indices: torch.Tensor, labels: torch.Tensor, parts: int) -> torch.Tensor:
        self.shapes.append(tuple(indices.shape))
        assert torch.equal(labels, indices + 1)
        return (self.weight * indices).mean() / parts


@pytest.mark.parametrize("size", [1, 2, 4])
def test_loss_and_gradient_are_the_mean_over_all_rows(size: int) -> None:
    rows = torch.arange(32).view(4, 8)
    module = Recorder()
    batches = [(part, part + 1) for part in rows.split(size)]
    loss = accumulate_gradients(module, batches, sequence_length=8, device=torch.device("cpu"))
    assert loss == pytest.approx(2 * 15.5)
    assert float(module.weight.grad) == pytest.approx(15.5)
    assert module.shapes == [(size, 8)] * (4 // size)


def test_rows_are_cut_into_sequences() -> None:
    rows = torch.arange(32).view(4, 8)
    module = Recorder()
    accumulate_gradients(module, [(rows, rows + 1)], sequence_length=2, device=torch.device("cpu"))
    assert module.shapes == [(16, 2)]


def test_ranks_exchange_gradients_only_in_the_last_backward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    class Distributed(Recorder):
        silent = 0

        @contextlib.contextmanager
        def no_sync(self):  # type: ignore[no-untyped-def]
            self.silent += 1
            yield

    monkeypatch.setattr("gpt25.training.loop.accumulation.DistributedDataParallel", Distributed)
    module, rows = Distributed(), torch.arange(32).view(4, 8)
    batches = [(part, part + 1) for part in rows.split(1)]
    accumulate_gradients(module, batches, sequence_length=8, device=torch.device("cpu"))
    assert module.silent == 3
