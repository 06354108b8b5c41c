"""Small models and their twins in transformers, which is the oracle."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.model import GPTConfiguration, GPTModel


@pytest.fixture
def make_model() -> Callable[..., GPTModel]:
    """A small model in evaluation mode; every weight is random, the layer norms' too, so that none hides a mistake."""

    def make(**fields: Any) -> GPTModel:
        shape = {
            "block_size": 12,
            "vocabulary_size": 23,
            "number_of_layers": 2,
            "number_of_heads": 2,
            "number_of_embedding_dimensions": 16,
        } | fields
        generator = torch.Generator().manual_seed(7)
        model = GPTModel(GPTConfiguration(**shape), generator=generator)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.empty_like(parameter).normal_(0.0, 0.1, generator=generator))
        return model.eval()

    return make


@pytest.fixture
def twin_of(tmp_path: Path) -> Callable[[GPTModel], Any]:
    """The same model in transformers, with its plain attention."""

    def twin(model: GPTModel) -> Any:
        from transformers import GPT2LMHeadModel
        from transformers.utils import logging

        from gpt25.weights import save_pretrained

        logging.disable_progress_bar()
        save_pretrained(model, None, tmp_path / "twin")
        return GPT2LMHeadModel.from_pretrained(tmp_path / "twin", attn_implementation="eager").eval()

    return twin
