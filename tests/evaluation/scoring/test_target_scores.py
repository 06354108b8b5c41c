import pytest
import torch
from torch import Tensor

from gpt25.evaluation.scoring import target_scores
from gpt25.evaluation.scoring.target_scores import score_targets

NOTHING_BARRED = torch.tensor([], dtype=torch.int64)


def drawn() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Hidden states, lines, targets and a head: 11 positions, 40 targets, 300 tokens; some are the likeliest."""
    chance = torch.Generator().manual_seed(1)
    hidden = torch.randn(11, 8, generator=chance)  # (positions, channels)
    head = 3 * torch.randn(300, 8, generator=chance)  # (vocabulary, channels)
    lines = torch.randint(11, (40,), generator=chance)  # (targets)
    targets = torch.randint(300, (40,), generator=chance)  # (targets)
    targets[::2] = (hidden @ head.t()).argmax(dim=1)[lines[::2]]
    return hidden, lines, targets, head


@pytest.mark.parametrize(("positions", "width"), [(1024, 4096), (3, 7), (1, 1), (4, 300), (11, 299)])
def test_slices_are_the_whole(monkeypatch: pytest.MonkeyPatch, positions: int, width: int) -> None:
    monkeypatch.setattr(target_scores, "_POSITIONS", {"cpu": positions})
    monkeypatch.setattr(target_scores, "_SLICE", {"cpu": width})
    hidden, lines, targets, head = drawn()
    barred = (hidden @ head.t()).argmax(dim=1)[:6].unique()
    found = score_targets(hidden, lines, targets, head=head, barred=barred)
    logits = hidden @ head.t()  # (positions, vocabulary)
    expected = logits.log_softmax(dim=1)[lines, targets]
    torch.testing.assert_close(found.log_likelihoods, expected, atol=1e-5, rtol=1e-5)
    assert found.likeliest.tolist() == (logits.argmax(dim=1)[lines] == targets).tolist()
    logits[:, barred] = -torch.inf
    assert found.allowed.tolist() == (logits.argmax(dim=1)[lines] == targets).tolist() != found.likeliest.tolist()


def test_far_apart_logits_do_not_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target_scores, "_SLICE", {"cpu": 2})
    head = torch.tensor([[-900.0], [0.0], [500.0], [-3.0], [499.0]])
    targets = torch.arange(5)
    found = score_targets(torch.ones(1, 1), torch.zeros_like(targets), targets, head=head, barred=NOTHING_BARRED)
    expected = head[:, 0].log_softmax(dim=0)
    torch.testing.assert_close(found.log_likelihoods, expected)
    assert found.likeliest.tolist() == found.allowed.tolist() == [False, False, True, False, False]


def test_of_equal_logits_the_first_is_the_likeliest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target_scores, "_SLICE", {"cpu": 2})
    targets = torch.arange(4)
    head = torch.tensor([[1.0], [2.0], [2.0], [2.0]])
    found = score_targets(torch.ones(1, 1), torch.zeros_like(targets), targets, head=head, barred=NOTHING_BARRED)
    assert found.likeliest.tolist() == [False, True, False, False]
