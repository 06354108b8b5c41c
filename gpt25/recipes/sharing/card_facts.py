"""Everything that a model card says, from the model's directory and from the run that it is a checkpoint of."""

import copy
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from gpt25.model import PUBLISHED_CONFIGURATIONS
from gpt25.plots.report.run_facts import RunFacts, gather
from gpt25.recipes.sharing.training_data import TrainingData, training_data_of
from gpt25.records import CheckpointRecord, RunDirectory, is_trial, last_and_averaged_losses, split_model_argument
from gpt25.storage import exists
from gpt25.tokenizer import Tokenizer

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
# What names files and folders of the machine that trained, which are nobody's business.
_PATHS = {"data": ("directory", "texts", "tokenizer"), "start": ("model",), "hellaswag": ("data",)}


@dataclass(frozen=True)
class CheckpointFacts:
    """What the run recorded up to the checkpoint."""

    update: int
    tokens: int | None
    seconds: float | None
    validation_loss: float | None
    averaged_losses: tuple[float, float] | None
    """Of the last weights and of their average, where the run averaged; the lower one was kept."""
    evaluations: list[dict[str, Any]]
    """Of this very checkpoint."""


@dataclass(frozen=True)
class CardFacts:
    """The facts; those of a run are None for a model directory."""

    description: dict[str, Any]
    """As `describe_model` has it."""
    has_tokenizer: bool
    run: RunFacts | None = None
    recipe: dict[str, Any] = field(default_factory=dict)
    """The resolved recipe; {} where there is none."""
    checkpoint: CheckpointFacts | None = None
    data: TrainingData | None = None

    @property
    def is_trial(self) -> bool:
        """Whether the run was a trial of a larger job."""
        return is_trial(self.recipe)

    @property
    def is_last(self) -> bool:
        """Whether the checkpoint is the run's last one and the run is finished, so that its summary is about it."""
        if self.run is None or self.checkpoint is None:
            return False
        return self.run.summary.finished and self.checkpoint.update == self.run.last_update

    @property
    def base_model(self) -> str | None:
        """The model on the Hub that training started from; None for others and for random weights."""
        name = _start_of(self.recipe)
        if name is None:
            return None
        name, _ = split_model_argument(name)
        if name in PUBLISHED_CONFIGURATIONS:
            return f"openai-community/{name}"
        return name if _HUB_ID.fullmatch(name) and not exists(name) else None

    @property
    def is_fine_tuned(self) -> bool:
        """Whether training started from another model's weights."""
        return _start_of(self.recipe) is not None

    @property
    def public_prompt(self) -> str | None:
        """What the run's samples went on with, where it was trained on a published set; None else.

        Samples of a run on one's own texts go on with words of these, which are nobody else's business.
        """
        loop = self.recipe.get("loop")
        prompt = loop.get("sample_prompt") if isinstance(loop, dict) else None
        is_public = self.data is not None and self.data.known is not None
        return prompt if is_public and isinstance(prompt, str) else None

    def recipe_text(self) -> str:
        """The recipe as TOML, without what names files of the machine that trained, or quotes private texts."""
        recipe = copy.deepcopy(self.recipe)
        for section, fields in _PATHS.items():
            for name in fields:
                if isinstance(recipe.get(section), dict):
                    recipe[section].pop(name, None)
        if self.public_prompt is None and isinstance(recipe.get("loop"), dict):
            recipe["loop"].pop("sample_prompt", None)
        if self.base_model is not None:
            recipe["start"]["model"] = self.base_model
        return tomli_w.dumps({name: section for name, section in recipe.items() if section != {}})


def facts_of_run(run: RunDirectory, record: CheckpointRecord, description: dict[str, Any]) -> CardFacts:
    """Read the run's records up to one of its checkpoints; raises CorruptFileError or StorageError."""
    rows = run.metrics()
    state = record.state()
    row = next((row for row in rows if row["update"] == record.update), {})
    return CardFacts(
        description=description,
        has_tokenizer=Tokenizer.is_in(record.path),
        run=gather(run, rows),
        recipe=run.recipe(),
        checkpoint=CheckpointFacts(
            update=record.update,
            tokens=state.get("tokens"),
            seconds=state.get("elapsed_seconds"),
            validation_loss=record.validation_loss,
            averaged_losses=last_and_averaged_losses(row),
            evaluations=[each for each in run.evaluations() if each.get("update") == record.update],
        ),
        data=training_data_of(run),
    )


def facts_of_directory(directory: Path, description: dict[str, Any]) -> CardFacts:
    """What a model directory by itself tells."""
    return CardFacts(description=description, has_tokenizer=Tokenizer.is_in(directory))


def _start_of(recipe: dict[str, Any]) -> str | None:
    start = recipe.get("start")
    name = start.get("model") if isinstance(start, dict) else None
    return name if isinstance(name, str) else None
