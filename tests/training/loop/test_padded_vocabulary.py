"""A vocabulary that is padded for a GPU's sake never leaves the loss: what is saved has GPT-2's own 50,257 rows."""

import json
from collections.abc import Callable

import pytest
import torch
from safetensors import safe_open

from gpt25.training import Trainer, TrainingConfiguration
from gpt25.weights import load_pretrained, save_pretrained

ROWS, CHANNELS = 50_257, 8


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_checkpoints_and_model_directories_hold_the_vocabulary_and_nothing_else(
    optimizer: str, trainer: Callable[..., Trainer], changed: Callable[..., TrainingConfiguration]
) -> None:
    small = {"number_of_layers": 1, "number_of_heads": 1, "number_of_embedding_dimensions": CHANNELS}
    settings = changed(
        model={**small, "vocabulary_size": ROWS},
        optimizer={"name": optimizer},
        loop={"number_of_updates": 3},
        speed={"padded_vocabulary": True},
    )
    padded = trainer(settings, run="padded")
    padded.train()
    plain = trainer(changed(settings, speed={"padded_vocabulary": False}), run="plain")
    plain.train()

    path = padded.run.checkpoints()[-1].path
    assert json.loads((path / "config.json").read_text())["vocab_size"] == ROWS
    sizes: dict[str, set[int]] = {"model.safetensors": set(), "optimizer.safetensors": set()}
    for name, found in sizes.items():
        with safe_open(path / name, "pt") as file:
            shapes = {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118 - it is no dict
        found.update(shape[0] for shape in shapes.values() if len(shape) == 2 and shape[0] > 32)
        assert [ROWS, CHANNELS] in shapes.values()
    assert sizes == {"model.safetensors": {ROWS}, "optimizer.safetensors": {ROWS}}

    model, _ = load_pretrained(path)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter, dict(plain.model.named_parameters())[name], rtol=1e-4, atol=1e-5)
    save_pretrained(model, None, path.parent / "exported")
    with safe_open(path.parent / "exported" / "model.safetensors", "pt") as file:
        assert file.get_slice("transformer.wte.weight").get_shape() == [ROWS, CHANNELS]
