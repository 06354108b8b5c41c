"""Small models on the disk, and ways to damage them."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.tokenizer import Tokenizer
from gpt25.weights import save_pretrained


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(["the quick brown fox jumps over the lazy dog\n" * 20], vocabulary_size=280)


@pytest.fixture
def make_model() -> Callable[..., GPTModel]:
    """A small model in evaluation mode; every weight is random, biases and gains too."""

    def make(**fields: Any) -> GPTModel:
        shape = {
            "block_size": 12,
            "vocabulary_size": 280,
            "number_of_layers": 2,
            "number_of_heads": 2,
            "number_of_embedding_dimensions": 8,
        } | fields
        generator = torch.Generator().manual_seed(7)
        model = GPTModel(GPTConfiguration(**shape), generator=generator)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.empty_like(parameter).normal_(0.0, 0.1, generator=generator))
        return model.eval()

    return make


@pytest.fixture
def model(make_model: Callable[..., GPTModel]) -> GPTModel:
    return make_model()


@pytest.fixture
def directory(model: GPTModel, tokenizer: Tokenizer, tmp_path: Path) -> Path:
    """A whole model directory, tokenizer included."""
    save_pretrained(model, tokenizer, tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def change_config(directory: Path) -> Callable[..., None]:
    """Set keys of config.json; None removes one."""

    def change(**changes: Any) -> None:
        path = directory / "config.json"
        config = json.loads(path.read_text()) | changes
        path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))

    return change


@pytest.fixture
def change_weights(directory: Path) -> Callable[[Callable[[dict[str, torch.Tensor]], object]], None]:
    """Rewrite model.safetensors, with the library's own writer, after a function has changed the tensors in place."""
    from safetensors.torch import load_file, save_file

    def change(mutate: Callable[[dict[str, torch.Tensor]], object]) -> None:
        path = directory / "model.safetensors"
        tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
        mutate(tensors)
        save_file(tensors, path, metadata={"format": "pt"})

    return change


@pytest.fixture
def write_raw() -> Callable[[Path, Any, bytes], Path]:
    """A safetensors file with this header, JSON or bytes, and these bytes behind it."""

    def write(path: Path, header: Any, data: bytes) -> Path:
        content = header if isinstance(header, bytes) else json.dumps(header).encode()
        path.write_bytes(struct.pack("<Q", len(content)) + content + data)
        return path

    return write
