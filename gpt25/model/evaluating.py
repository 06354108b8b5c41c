"""A model in evaluation mode for a while."""

import contextlib
from collections.abc import Iterator

import torch

from gpt25.model.gpt import GPTModel


@contextlib.contextmanager
def evaluating(model: GPTModel) -> Iterator[None]:
    """Dropout and gradients are off inside; afterwards the model is in the mode in which it was."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)
