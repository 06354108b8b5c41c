from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gpt25.model import GPTModel


@pytest.mark.parametrize("training", [False, True])
def test_the_loss_at_a_position_depends_on_exactly_the_positions_up_to_it(
    make_model: Callable[..., GPTModel], training: bool
) -> None:
    model = make_model(number_of_layers=3).train(training)
    time = model.configuration.block_size
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(0, 23, (2, time + 1), generator=generator)
    embedded: list[Tensor] = []

    def keep(_module: torch.nn.Module, _inputs: object, output: Tensor) -> None:
        output.retain_grad()
        embedded.append(output)

    model.transformer.word_token_embeddings.register_forward_hook(keep)
    for position in range(time):
        labels = torch.full((2, time), -100)
        labels[:, position] = tokens[:, position + 1]
        _, loss = model(tokens[:, :-1], labels)
        loss.backward()
        gradient = embedded.pop().grad
        assert gradient is not None
        influence = gradient.abs().amax(-1)  # (batch, time)
        assert (influence[:, : position + 1] > 0).all(), f"position {position} does not see all that is before it"
        assert (influence[:, position + 1 :] == 0).all(), f"position {position} sees what comes after it"
