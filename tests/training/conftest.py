import dataclasses
import inspect
import os
import signal
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.data import Document, PreparedData, open_shards, prepare
from gpt25.errors import Interrupted
from gpt25.model import GPTConfiguration
from gpt25.records import RunDirectory
from gpt25.tokenizer import Tokenizer
from gpt25.training import (
    BatchConfiguration,
    DataConfiguration,
    LoopConfiguration,
    OptimizerConfiguration,
    ScheduleConfiguration,
    Trainer,
    TrainingConfiguration,
    TrainingHooks,
)

Change = Callable[..., TrainingConfiguration]


@pytest.fixture(scope="module", autouse=True)  # before what a module's tests share is made
def one_thread() -> Iterator[None]:
    """Sums come out the same, and tests that run side by side do not fight for the processor."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def text() -> str:
    """Real English and code, about 20 kB, that every Python carries."""
    return inspect.getsource(textwrap)


@pytest.fixture(scope="session")
def tokenizer(text: str) -> Tokenizer:
    return Tokenizer.train([text], vocabulary_size=320)


@pytest.fixture(scope="session")
def data(text: str, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    parts = [Document(f"part {start}", text[start : start + 1000].encode()) for start in range(0, len(text), 1000)]
    directory = tmp_path_factory.mktemp("shards")
    return prepare(parts, tokenizer, directory, validation_fraction=0.3, split_rule="content", number_of_processes=1)


@pytest.fixture(scope="session")
def configuration(data: PreparedData) -> TrainingConfiguration:
    """Eight updates of four rows, small enough for tenths of a second."""
    return TrainingConfiguration(
        model=GPTConfiguration(
            block_size=32,
            vocabulary_size=320,
            number_of_layers=2,
            number_of_heads=2,
            number_of_embedding_dimensions=32,
        ),
        data=DataConfiguration(directory=str(data.directory), validation_tokens=320),
        batch=BatchConfiguration(tokens_per_update=128, micro_batch_rows=4),
        optimizer=OptimizerConfiguration(name="muon", peak_learning_rate=5e-3, muon_peak_learning_rate=5e-3),
        schedule=ScheduleConfiguration(name="trapezoid", warm_up_updates=2),
        loop=LoopConfiguration(
            number_of_updates=8,
            validation_interval_in_updates=4,
            samples_interval_in_updates=4,
            checkpoint_interval_in_updates=3,
            device="cpu",
            precision="float32",
            timeout_seconds=20,
        ),
    )


@pytest.fixture(scope="session")
def changed(configuration: TrainingConfiguration) -> Change:
    """The configuration with some fields of some sections replaced: changed(loop={"number_of_updates": 3})."""

    def change(base: TrainingConfiguration = configuration, **sections: dict[str, Any]) -> TrainingConfiguration:
        replaced = {name: dataclasses.replace(getattr(base, name), **values) for name, values in sections.items()}
        return dataclasses.replace(base, **replaced)

    return change


@pytest.fixture
def messages() -> list[str]:
    """What the trainers of a test said to the user."""
    return []


@pytest.fixture
def trainer(
    tmp_path: Path,
    configuration: TrainingConfiguration,
    data: PreparedData,
    tokenizer: Tokenizer,
    messages: list[str],
) -> Callable[..., Trainer]:
    """Make a trainer in a run directory of the test, by default always the same one."""

    def make(chosen: TrainingConfiguration = configuration, *, run: str = "run", **others: Any) -> Trainer:
        others.setdefault("hooks", TrainingHooks(on_message=messages.append))
        return Trainer(
            chosen,
            run=RunDirectory(tmp_path / run),
            train_shards=open_shards(data.directory, "train"),
            validation_shards=open_shards(data.directory, "validation"),
            tokenizer=tokenizer,
            **others,
        )

    return make


@pytest.fixture
def training_shapes(monkeypatch: pytest.MonkeyPatch) -> Callable[[Trainer], list[tuple[int, ...]]]:
    """Watch a trainer: the list that it returns grows by the shape of every micro-batch that is trained on."""

    def watch(trainer: Trainer) -> list[tuple[int, ...]]:
        shapes: list[tuple[int, ...]] = []
        forward = trainer.loss_module.forward

        def watched(indices: torch.Tensor, labels: torch.Tensor, parts: int | None = None) -> torch.Tensor:
            if torch.is_grad_enabled():
                shapes.append(tuple(indices.shape))
            return forward(indices, labels, parts)

        monkeypatch.setattr(trainer.loss_module, "forward", watched)
        return shapes

    return watch


@pytest.fixture
def train_until(trainer: Callable[..., Trainer]) -> Callable[..., None]:
    """Train until an update is done and end there: by a signal, at which the trainer saves, or abruptly by an error."""

    def train(settings: TrainingConfiguration, update: int, *, abruptly: bool = False) -> None:
        def on_update(row: dict[str, Any]) -> None:
            if row["update"] == update and abruptly:
                raise Interrupted(15, "enough")
            if row["update"] == update:
                os.kill(os.getpid(), signal.SIGTERM)

        with pytest.raises(Interrupted):
            trainer(settings, hooks=TrainingHooks(on_update=on_update)).train()

    return train


@pytest.fixture
def weights() -> Callable[[Trainer], dict[str, torch.Tensor]]:
    """A copy of all weights of a trainer's model."""
    return lambda trainer: {name: value.detach().clone() for name, value in trainer.model.named_parameters()}
