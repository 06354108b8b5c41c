"""What a CUDA graph would record, run on the processor: the same logits, from buckets of rows and positions."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gpt25.generation.engine.decode_graphs import DecodeGraphs
from gpt25.model import GPTModel, SlotCache

CAPACITY = 40


class Recorder:
    """Stands in for CUDA graphs: computes again into the same tensor, and counts."""

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    def __call__(self, compute: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        self.recorded += 1
        result = compute().clone()

        def replay() -> None:
            self.replayed += 1
            result.copy_(compute())

        return replay, result


@pytest.fixture
def cache(tiny_model: GPTModel) -> SlotCache:
    return SlotCache(
        tiny_model.configuration, slots=6, capacity=CAPACITY, device=tiny_model.device, dtype=torch.float32
    )


@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, 2, 3, 5, 6])
def test_rows_of_any_lengths_have_the_logits_of_their_own_text(
    tiny_model: GPTModel, cache: SlotCache, rows: int
) -> None:
    recorder = Recorder()
    graphs = DecodeGraphs(tiny_model, cache, capture=recorder)
    texts = [[(7 * row + place) % 200 for place in range(3 + 4 * row)] for row in range(rows)]
    for row, text in enumerate(texts):
        tiny_model.hidden_states(torch.tensor([text]), cache=cache.piece(row, past=0))
    for step in range(5):
        new = [(step * 31 + row) % 200 for row in range(rows)]
        logits = graphs.logits(new, [len(text) for text in texts]).clone()
        for row, text in enumerate(texts):
            text.append(new[row])
            torch.testing.assert_close(logits[row], tiny_model(torch.tensor([text]))[0, -1], rtol=1e-4, atol=1e-4)
    assert (recorder.recorded, recorder.replayed) == (1, 4)


@torch.inference_mode()
def test_a_slot_without_a_text_is_left_alone(tiny_model: GPTModel, cache: SlotCache) -> None:
    graphs = DecodeGraphs(tiny_model, cache, capture=Recorder())
    for slot in (0, 1, 2):
        tiny_model.hidden_states(torch.tensor([[1, 2, 3, 4]]), cache=cache.piece(slot, past=0))
    before = graphs.logits([9, 9, 9], [4, 4, 4]).clone()
    graphs.logits([5, 0, 6], [5, CAPACITY, 5])
    after = graphs.logits([9, 9, 9], [4, 4, 4])
    assert torch.equal(before, after)
