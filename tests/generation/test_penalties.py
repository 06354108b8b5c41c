import torch
from torch import Tensor
from transformers import RepetitionPenaltyLogitsProcessor, SequenceBiasLogitsProcessor

from gpt25.generation import History, SamplingSettings
from gpt25.generation.penalties import apply_penalties


def penalised(logits: Tensor, setting: SamplingSettings, history: History) -> Tensor:
    """The logits (rows, vocabulary) after the same penalties on every row."""
    changed = logits.clone()
    apply_penalties(changed, [setting] * len(logits), [history] * len(logits))
    return changed


def test_repetition_penalty_is_that_of_transformers() -> None:
    logits = torch.randn(4, 30, generator=torch.Generator().manual_seed(1)) * 5  # (rows, vocabulary)
    history = History(prompt=[3, 3, 7], generated=[7, 11, 29, 0])
    for penalty in (0.5, 1.3, 2.0):
        oracle = RepetitionPenaltyLogitsProcessor(penalty)
        expected = oracle(torch.tensor([[*history.prompt, *history.generated]] * 4), logits.clone())
        actual = penalised(logits, SamplingSettings(repetition_penalty=penalty), history)
        torch.testing.assert_close(actual, expected, rtol=1e-6, atol=0)


def test_frequency_and_presence_follow_the_formula_of_openai() -> None:
    logits = torch.tensor([[1.0, 2.0, -3.0, 4.0, 0.5]])  # (1, vocabulary)
    history = History(prompt=[4, 4], generated=[1, 2, 1, 1])
    setting = SamplingSettings(frequency_penalty=0.5, presence_penalty=0.25)
    # Token 1 stands there three times, token 2 once, and the prompt's token 4 does not count.
    expected = torch.tensor([[1.0, 2.0 - 3 * 0.5 - 0.25, -3.0 - 0.5 - 0.25, 4.0, 0.5]])
    assert torch.allclose(penalised(logits, setting, history), expected)


def test_biases_are_those_of_transformers() -> None:
    logits = torch.randn(3, 30, generator=torch.Generator().manual_seed(5)) * 5  # (rows, vocabulary)
    bias = {29: -100.0, 0: 100.0, 7: 0.1, 11: -2.5}
    oracle = SequenceBiasLogitsProcessor({(token_id,): value for token_id, value in bias.items()})
    changed = penalised(logits, SamplingSettings(logit_bias=bias), History([7, 7], [11]))
    assert torch.equal(changed, oracle(torch.tensor([[7, 7, 11]] * 3), logits.clone()))


def test_biases_come_before_the_repetition_penalty() -> None:
    setting = SamplingSettings(repetition_penalty=2, logit_bias={0: -6, 1: 3})
    assert penalised(torch.tensor([[4.0, 1.0, 8.0]]), setting, History([0, 1], [])).tolist() == [[-4.0, 2.0, 8.0]]


def test_repetition_comes_before_frequency_and_presence() -> None:
    setting = SamplingSettings(repetition_penalty=2, frequency_penalty=1, presence_penalty=-0.5)
    changed = penalised(torch.tensor([[4.0, -4.0, 4.0]]), setting, History([2], [0, 1, 0]))
    assert changed.tolist() == [[4 / 2 - 2 + 0.5, -4 * 2 - 1 + 0.5, 4 / 2]]


def test_without_penalties_nothing_changes() -> None:
    logits = torch.randn(2, 9, generator=torch.Generator().manual_seed(2))  # (rows, vocabulary)
    assert torch.equal(penalised(logits, SamplingSettings(), History([1], [2])), logits)
    only_prompt = SamplingSettings(frequency_penalty=2, presence_penalty=2)
    assert torch.equal(penalised(logits, only_prompt, History([1, 2], [])), logits)


def test_extreme_penalties_stay_finite() -> None:
    logits = torch.tensor([[3e38, -3e38, 0.0, 1.0]])  # (1, vocabulary)
    for penalty in (5e-324, 100.0):
        changed = penalised(logits, SamplingSettings(repetition_penalty=penalty), History([0, 1, 2, 3], []))
        assert changed.isfinite().all()
