from collections.abc import Callable
from pathlib import Path

import torch

from gpt25.model import GPTModel
from gpt25.weights import load_pretrained, save_pretrained, weights_sha256


def test_the_hash_survives_saving_and_changes_with_one_weight(model: GPTModel, tmp_path: Path) -> None:
    save_pretrained(model, None, tmp_path / "model")
    loaded, _ = load_pretrained(tmp_path / "model")
    assert weights_sha256(loaded) == weights_sha256(model)
    with torch.no_grad():
        loaded.transformer.final_layer_norm.bias[0] += 1e-3
    assert weights_sha256(loaded) != weights_sha256(model)


def test_the_hash_is_of_float32_values_and_of_shapes(make_model: Callable[..., GPTModel]) -> None:
    half = make_model().bfloat16()
    assert weights_sha256(half.float()) == weights_sha256(half)
    assert weights_sha256(make_model(number_of_layers=1)) != weights_sha256(make_model())
