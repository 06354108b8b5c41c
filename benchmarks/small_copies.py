"""Small copies of the 124M's two recipes, and one training run of such a copy as a line of figures.

For recipe_search.py and scaling.py. A copy keeps everything of its recipe that is not a size: optimizer, schedule and
the proportions of its length. Its shape, the tokens of an update and the length are the caller's, and so are the
learning rates, which a small model needs higher.
"""

import dataclasses
import datetime
import hashlib
import json
import math
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

import tomli_w

from gpt25.data import PreparedData, open_shards
from gpt25.model import Accounting
from gpt25.recipes import load_recipe, recipe_text, with_length
from gpt25.recipes.recipe import parse_recipe
from gpt25.records import RunDirectory
from gpt25.training import BatchConfiguration, Trainer, TrainingConfiguration

BLOCK_SIZE = 256
VALIDATION_TOKENS = 262_144
_HEAD_CHANNELS = 64


@dataclasses.dataclass(frozen=True)
class Shape:
    """Layers and channels of a small GPT-2; its heads have 64 channels, as in every GPT-2."""

    layers: int
    channels: int

    @classmethod
    def of(cls, word: str) -> "Shape":
        """The shape that a word such as 4x128 names."""
        layers, channels = map(int, word.split("x"))
        return cls(layers, channels)

    def __str__(self) -> str:
        return f"{self.layers}x{self.channels}"


def small_copy(
    recipe: str, shape: Shape, data: PreparedData, *, tokens: int, tokens_per_update: int, changes: dict[str, Any]
) -> TrainingConfiguration:
    """The recipe at another size over about `tokens` tokens; `changes` are values by "section.key"."""
    big = load_recipe(recipe)
    rounded = tokens_per_update // BLOCK_SIZE * BLOCK_SIZE
    model = dataclasses.replace(
        big.model,
        block_size=BLOCK_SIZE,
        vocabulary_size=data.vocabulary_size,
        number_of_layers=shape.layers,
        number_of_heads=max(1, shape.channels // _HEAD_CHANNELS),
        number_of_embedding_dimensions=shape.channels,
    )
    copy = dataclasses.replace(
        big,
        model=model,
        data=dataclasses.replace(
            big.data,
            directory=str(data.directory),
            validation_tokens=VALIDATION_TOKENS,
            validation_selection="even",
        ),
        batch=_small_batch(big, tokens_per_update=rounded),
    )
    copy = with_length(copy, max(2, round(tokens / rounded)))
    content = tomllib.loads(recipe_text(copy))
    for name, value in changes.items():
        section, key = name.split(".")
        content[section][key] = value
    never = content["loop"]["number_of_updates"]
    content["loop"] |= {f"{name}_interval_in_updates": never for name in ("validation", "samples", "checkpoint")}
    return parse_recipe(tomli_w.dumps(content), source="a small copy")


def _small_batch(big: TrainingConfiguration, *, tokens_per_update: int) -> BatchConfiguration:
    """The batch with updates and rows of other sizes; what is smaller early in the run stays the same fraction."""
    smaller = tuple(
        (fraction, round(tokens_per_update * tokens / big.batch.tokens_per_update))
        for fraction, tokens in big.batch.smaller_updates
    )
    short = tuple(
        (fraction, BLOCK_SIZE * length // big.model.block_size) for fraction, length in big.batch.short_sequences
    )
    copy = dataclasses.replace(
        big.batch,
        tokens_per_update=tokens_per_update,
        smaller_updates=smaller,
        short_sequences=short,
        micro_batch_rows=tokens_per_update // BLOCK_SIZE,
    )
    return copy.in_whole_rows(BLOCK_SIZE)


def fingerprint(configuration: TrainingConfiguration, data: PreparedData) -> str:
    """What decides a run's result, in 16 letters: recipe, tokens and tokenizer; never where they lie.

    Of the recipe only what differs from the defaults, so that an option that is new does not make a run another one.
    """
    anywhere = dataclasses.replace(configuration, data=dataclasses.replace(configuration.data, directory=None))
    default = TrainingConfiguration()
    changed = {
        f"{section.name}.{field.name}": getattr(part, field.name)
        for section in dataclasses.fields(anywhere)
        for part, usual in [(getattr(anywhere, section.name), getattr(default, section.name))]
        for field in dataclasses.fields(part)
        if getattr(part, field.name) != getattr(usual, field.name)
    }
    text = f"{sorted(changed.items())}{data.train.shards[0].sha256}{data.tokenizer_fingerprint}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def train(configuration: TrainingConfiguration, data: PreparedData) -> dict[str, Any]:
    """Train once; the figures of the run, its loss in nats per token and bits per byte among them."""
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        trainer = Trainer(
            configuration,
            run=RunDirectory(directory),
            train_shards=open_shards(data.directory, "train"),
            validation_shards=open_shards(data.directory, "validation"),
        )
        state = trainer.train()
    loss = state.metrics["validation_loss"]
    accounting = Accounting(configuration.model)
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M"),
        "parameters": accounting.parameters,
        "tokens": state.tokens,
        "operations": accounting.training_operations_per_token * state.tokens,
        "updates": state.update,
        "loss": loss,
        "bits_per_byte": None if loss is None else loss / math.log(2) * data.validation.tokens / data.validation.bytes,
        "seconds": round(time.perf_counter() - begin, 1),
        "seed": configuration.loop.seed,
    }


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The runs that are finished, one JSON object a line; none where the file is not there yet."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def append_line(path: Path, row: dict[str, Any]) -> None:
    """Add a run; a line is written whole, so that processes may share the file."""
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")
