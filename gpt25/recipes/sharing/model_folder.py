"""Exactly what others get of a model: one home for the files that are pushed to the Hub and written to a disk."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gpt25.plots import draw_losses, loss_reference_lines
from gpt25.recipes.sharing.card_facts import CardFacts, facts_of_directory, facts_of_run
from gpt25.recipes.sharing.model_card import CARD_NAME, PICTURE_NAME, model_card
from gpt25.records import RunDirectory
from gpt25.storage import entries, is_file
from gpt25.storage.reading.bounded_file import read_bounded
from gpt25.weights import describe_model, resolve_model
from gpt25.weights.model_files import model_file_names


@dataclass(frozen=True)
class ModelFolder:
    """The files by name: where they lie, or their content where they are made for this."""

    directory: Path
    """The model directory that they are of."""
    files: dict[str, Path | bytes]
    left_out: tuple[str, ...]
    """What else lies there: of a checkpoint the optimizer's state and the run's."""

    @property
    def card(self) -> str:
        """The model card."""
        content = self.files[CARD_NAME]
        return (content if isinstance(content, bytes) else read_bounded(content)).decode("utf-8", "replace")

    @property
    def sizes(self) -> dict[str, int]:
        """Every file's size in bytes."""
        return {
            name: len(content) if isinstance(content, bytes) else content.stat().st_size
            for name, content in self.files.items()
        }

    def write(self, directory: Path, *, advance: Callable[[int], None]) -> None:
        """Write the files into a directory that exists; `advance` is told the bytes written."""
        sizes = self.sizes
        for name, content in self.files.items():
            if isinstance(content, bytes):
                (directory / name).write_bytes(content)
            else:
                shutil.copyfile(content, directory / name)
            advance(sizes[name])


def model_folder(
    model: str,
    *,
    name: str,
    checkpoint: str = "newest",
    revision: str | None = None,
    licence: str | None = None,
    prompt: str | None = None,
) -> ModelFolder:
    """The files of a MODEL: its own, a card, and of a run the picture of its losses.

    name: what the card loads it by. A directory that has a README.md keeps that as its card, and its picture with it.
    licence: what the weights are given away under. prompt: what the card's examples go on with, see `model_card`. A
    card that is there already has its own say.
    The same checks as before loading are made, without reading the weights. Raises as `resolve_model`,
    `describe_model` and `model_file_names` do.
    """
    directory = resolve_model(model, checkpoint=checkpoint, revision=revision)
    names = model_file_names(directory)
    description = describe_model(directory)
    files: dict[str, Path | bytes] = {each: directory / each for each in names}
    run = _run_of(directory)
    if run is None and is_file(directory / CARD_NAME):
        extra = [each for each in (CARD_NAME, PICTURE_NAME) if is_file(directory / each)]
        files |= {each: directory / each for each in extra}
    elif run is None:
        files[CARD_NAME] = _card(facts_of_directory(directory, description), name, licence, prompt, picture=None)
    else:
        record = next(record for record in run.checkpoints() if record.path == directory)
        picture = _picture(run)
        files[CARD_NAME] = _card(facts_of_run(run, record, description), name, licence, prompt, picture=picture)
        if picture is not None:
            files[PICTURE_NAME] = picture
    left_out = tuple(entry.name for entry in entries(directory) if entry.name not in files)
    return ModelFolder(directory, dict(sorted(files.items())), left_out)


def _run_of(directory: Path) -> RunDirectory | None:
    """The run that a directory is a checkpoint of; None for any other."""
    if directory.parent.name != "checkpoints":
        return None
    run = RunDirectory(directory.parent.parent)
    return run if any(record.path == directory for record in run.checkpoints()) else None


def _card(facts: CardFacts, name: str, licence: str | None, prompt: str | None, *, picture: bytes | None) -> bytes:
    card = model_card(facts, name=name, has_picture=picture is not None, licence=licence, prompt=prompt)
    return card.encode("utf-8", "replace")


def _picture(run: RunDirectory) -> bytes | None:
    """The loss graph as training draws it; None where no loss is recorded."""
    if not any(row.get("training_loss") is not None or row.get("validation_loss") is not None for row in run.metrics()):
        return None
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / PICTURE_NAME
        draw_losses([run], path, reference_lines=loss_reference_lines([run]))
        return path.read_bytes()
