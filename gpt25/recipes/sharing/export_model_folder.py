"""The folder that others get of a model, on this machine's disk."""

import dataclasses
from pathlib import Path
from typing import Literal

import torch

from gpt25.recipes.reporter import Reporter
from gpt25.recipes.sharing.model_folder import ModelFolder, model_folder
from gpt25.storage import atomic_directory
from gpt25.weights import load_pretrained, write_model_files
from gpt25.weights.model_files import model_file_names


def export_model_folder(
    model: str,
    output: Path,
    *,
    name: str,
    dtype_name: Literal["float32", "bfloat16", "float16"] | None,
    checkpoint: str = "newest",
    revision: str | None = None,
    licence: str | None = None,
    prompt: str | None = None,
    reporter: Reporter,
) -> ModelFolder:
    """Write what `model_folder` has into a directory, atomically; returns what it holds now.

    dtype_name: of the weights; None leaves the files as they are, byte for byte. An existing directory is replaced.
    Raises as `model_folder` and `load_pretrained` do, StorageError or DiskFullError.
    """
    folder = model_folder(model, name=name, checkpoint=checkpoint, revision=revision, licence=licence, prompt=prompt)
    own = model_file_names(folder.directory)
    with (
        atomic_directory(output) as temporary,
        reporter.progress("exporting", sum(folder.sizes.values()), "bytes") as progress,
    ):
        if dtype_name is None:
            folder.write(temporary, advance=progress.advance)
        else:
            loaded, tokenizer = load_pretrained(folder.directory, dtype=getattr(torch, dtype_name))
            write_model_files(loaded, tokenizer, temporary)
            rest = {each: content for each, content in folder.files.items() if each not in own}
            dataclasses.replace(folder, files=rest).write(temporary, advance=progress.advance)
        names = sorted(path.name for path in temporary.iterdir())
    return dataclasses.replace(folder, files={each: output / each for each in names})
