"""The quickstart's first updates, bit for bit, against the few lines that they come to where no option is on."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.data import Batches, Document, open_shards, prepare
from gpt25.model import GPTModel
from gpt25.recipes import load_recipe
from gpt25.records import RunDirectory
from gpt25.runtime import generator_for
from gpt25.tokenizer import Tokenizer
from gpt25.training import Muon, Trainer, TrainingConfiguration, TrainingHooks, fused_loss

UPDATES = 4


class _EnoughError(Exception):
    """Ends a run from its hook."""


@pytest.fixture
def configuration(documents: list[Document], tmp_path: Path) -> TrainingConfiguration:
    """The quickstart with the tests' own text, the vocabulary that this is enough for, and a quarter of an update."""
    tokenizer = Tokenizer.train([document.content.decode() for document in documents], vocabulary_size=320)
    prepare(documents, tokenizer, tmp_path / "data", validation_fraction=0.3, number_of_processes=1)
    recipe = load_recipe("quickstart")
    return dataclasses.replace(
        recipe,
        model=dataclasses.replace(recipe.model, vocabulary_size=320),
        batch=dataclasses.replace(recipe.batch, tokens_per_update=1024),
        loop=dataclasses.replace(recipe.loop, device="cpu", precision="float32"),
    )


def trained_by_recipe(configuration: TrainingConfiguration, directory: Path) -> tuple[list[float], GPTModel]:
    """The losses of the first updates, and the model after them."""
    losses: list[float] = []

    def stop(row: dict[str, Any]) -> None:
        losses.append(row["training_loss"])
        if len(losses) == UPDATES:
            raise _EnoughError

    trainer = Trainer(
        configuration,
        run=RunDirectory(directory / "run"),
        train_shards=open_shards(directory / "data", "train"),
        validation_shards=open_shards(directory / "data", "validation"),
        hooks=TrainingHooks(on_update=stop),
    )
    with pytest.raises(_EnoughError):
        trainer.train()
    return losses, trainer.model


def trained_plainly(configuration: TrainingConfiguration, directory: Path) -> tuple[list[float], GPTModel]:
    """The same with torch's own AdamW and the numbers of quickstart.toml as they stand there."""
    model = GPTModel(configuration.model, generator=generator_for(1337, "weights"))
    batches = Batches(open_shards(directory / "data", "train"), block_size=128, seed=1337, vocabulary_size=320)
    matrices = {name: value for name, value in model.named_parameters() if ".hidden." in name and value.dim() == 2}
    others = [value for name, value in model.named_parameters() if name not in matrices]
    threefold = [value for name, value in matrices.items() if "query_key_value" in name]
    single = [value for name, value in matrices.items() if "query_key_value" not in name]
    muon = Muon([{"params": threefold, "parts": 3}, {"params": single}], learning_rate=0.012)
    free = [value for value in others if value.dim() == 1]
    adamw = torch.optim.AdamW(
        [{"params": [value for value in others if value.dim() == 2], "weight_decay": 0.0}, {"params": free}],
        betas=(0.9, 0.95),
        weight_decay=0.0,
        fused=True,
    )
    losses = []
    for update in range(UPDATES):
        ((indices, labels),) = batches.for_update(
            update, rows_per_update=8, micro_batch_rows=8, rank=0, number_of_ranks=1
        )
        loss = fused_loss(model.hidden_states(indices), model.language_modeling_head.weight, labels)
        losses.append(loss.item())
        loss.backward()
        norm = float(
            torch.nn.utils.get_total_norm([value.grad for value in model.parameters() if value.grad is not None])
        )
        for value in model.parameters():
            value.grad *= 1.0 / norm if norm > 1 else 1.0
        factor = (update + 1) / 8  # the warm-up
        for group in adamw.param_groups:
            group["lr"] = 0.03 * factor
        for group in muon.param_groups:
            group["lr"] = 0.012 * factor
            group["momentum"] = 0.85 + update / 400 / 0.1 * (0.95 - 0.85)
        adamw.step()
        muon.step()
        adamw.zero_grad()
        muon.zero_grad()
    return losses, model


def test_without_options_the_quickstart_is_a_plain_loop_bit_for_bit(
    configuration: TrainingConfiguration, tmp_path: Path
) -> None:
    losses, model = trained_by_recipe(configuration, tmp_path)
    expected, plain = trained_plainly(configuration, tmp_path)
    assert losses == expected
    assert losses[0] > 5.5 > losses[-1]  # ln 320 = 5.77 before it has learned anything
    for (name, value), other in zip(model.named_parameters(), plain.parameters(), strict=True):
        assert torch.equal(value, other), name
