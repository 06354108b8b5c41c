"""The same bits as on torch's tensors."""

import random

import numpy as np
import torch

from gpt25.generation import History, SamplingSettings
from gpt25.generation.array_penalties import apply_array_penalties
from gpt25.generation.penalties import apply_penalties

VOCABULARY = 120


def test_arrays_and_tensors_get_the_same_bits() -> None:
    chance, changed = random.Random(4), 0
    for seed in range(300):
        logits = torch.randn(2, VOCABULARY, generator=torch.Generator().manual_seed(seed)) * chance.choice(
            [1, 30, 1e20]
        )
        logits[0, 5], logits[1, 7], logits[1, 8] = -torch.inf, torch.nan, 0
        settings = [
            SamplingSettings(
                repetition_penalty=chance.choice([1.0, 0.3, 1.3, 1e-300, 100]),
                frequency_penalty=chance.choice([0, 0, 0.1, -1.7, 2]),
                presence_penalty=chance.choice([0, 0, 0.3, -2]),
                logit_bias={
                    chance.randrange(VOCABULARY): chance.uniform(-100, 100) for _ in range(chance.randrange(9))
                },
            )
            for _ in range(2)
        ]
        texts = [[chance.randrange(VOCABULARY) for _ in range(chance.randrange(12))] for _ in range(4)]
        histories = [History([1, *texts[0]], texts[1]), History([7, *texts[2]], texts[3])]
        array = logits.numpy().copy()
        expected = logits.clone()
        apply_penalties(expected, settings, histories)
        apply_array_penalties(array, settings, histories)
        assert np.array_equal(array.view(np.int32), expected.numpy().view(np.int32))
        changed += not torch.equal(expected.nan_to_num(), logits.nan_to_num())
    assert changed > 200
