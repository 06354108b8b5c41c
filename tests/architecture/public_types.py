"""What a type checker sees of the public surface: `make check` reads this file, and the tests run it."""

from pathlib import Path
from typing import assert_type

import torch
from matplotlib.figure import Figure
from torch import Tensor

import gpt25
from gpt25 import GPTConfiguration, GPTModel, TextGenerator, Tokenizer, figures, load_pretrained, save_pretrained
from gpt25.generation import Sample


def use_everything(directory: Path) -> None:
    """Load, call, write, draw and save a tiny model; every result has the type that is promised."""
    configuration = GPTConfiguration(
        block_size=16, number_of_layers=1, number_of_heads=2, number_of_embedding_dimensions=8
    )
    model = GPTModel(configuration)
    tokenizer = Tokenizer.gpt2()
    ids = assert_type(tokenizer.encode("Hello"), list[int])
    assert_type(tokenizer.decode(ids), str)

    tokens = torch.tensor([[*ids, *ids]])  # (batch, time)
    assert_type(model(tokens), Tensor)
    logits, loss = assert_type(model(tokens[:, :-1], tokens[:, 1:]), tuple[Tensor, Tensor])
    assert logits.dim() == 3
    assert loss.dim() == 0
    assert_type(model.configuration.block_size, int)

    samples = assert_type(TextGenerator(model, tokenizer).generate("Hello", max_new_tokens=2, seed=1), list[Sample])
    assert_type(samples[0].text, str)
    assert_type(samples[0].token_ids, tuple[int, ...])

    save_pretrained(model, tokenizer, directory)
    assert_type(load_pretrained(directory), tuple[GPTModel, Tokenizer | None])
    assert_type(figures.positions(model, columns=(0, 1)), Figure)
    assert_type(figures.attention(model, "Hello Hello", layer=0, head=0), Figure)
    assert_type(gpt25.__version__, str)
