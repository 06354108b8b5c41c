"""Prompts from a file, and their texts as JSON lines, which a run that died goes on with."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt25.cli.output import Output
from gpt25.errors import ConfigurationError, GenerationError, StorageError
from gpt25.generation import Sample, SamplingSettings
from gpt25.storage import decode_text
from gpt25.storage.atomic import json_bytes
from gpt25.storage.exclusive_lock import exclusive_lock
from gpt25.storage.json_lines import append_json_line, read_json_lines
from gpt25.storage.output_file import require_output_file
from gpt25.storage.paths.path_questions import is_file
from gpt25.storage.reading.bounded_file import read_bounded
from gpt25.storage.reading.json_values import parse_json
from gpt25.storage.text_lines import text_lines
from gpt25.tokenizer import SpecialTokens

if TYPE_CHECKING:
    from gpt25.generation import TextGenerator

_LARGEST_BYTES = 256 << 20
_ENDINGS = (".jsonl", ".ndjson")
_OF_THE_RUN = ("seed", "samples")  # fields of the settings that a row holds otherwise


def read_prompts(path: str) -> list[str]:
    """The prompts of a file: its lines, or of JSON lines each string, or each object's "prompt".

    Raises GenerationError for a line that is neither, or a file without one.
    """
    text = decode_text(read_bounded(path, largest_bytes=_LARGEST_BYTES), where=path, error=GenerationError)
    lines = [line for line in text_lines(text) if line.strip()]
    if not lines:
        raise GenerationError(
            f"{path} holds no prompt: write one a line, or JSON lines into a file that ends in .jsonl."
        )
    if not path.lower().endswith(_ENDINGS):
        return lines
    return [_prompt_of(line, where=f"{path}, prompt {number}") for number, line in enumerate(lines, start=1)]


def _prompt_of(line: str, *, where: str) -> str:
    row = parse_json(line, where=where, error=GenerationError)
    prompt = row.get("prompt") if isinstance(row, dict) else row
    if not isinstance(prompt, str):
        raise GenerationError(f'{where} is no text: each line is a string, or an object with "prompt": a string.')
    return prompt


def write_texts(
    generator: "TextGenerator",
    prompts: list[str],
    *,
    settings: SamplingSettings,
    special_tokens: SpecialTokens,
    path: str | None,
    output: Output,
    origin: dict[str, Any],
) -> dict[str, Any]:
    """Continue all prompts; append a line to the file for each when it is done, or print it where there is no file.

    Prompts whose line the file holds already are left out. origin: what decides the texts besides the settings, for
    the lines. Returns what there is to say at the end. Raises ConfigurationError for a file of other texts,
    StorageError for one that another process is writing.
    """
    origin = {**origin, "special_tokens": special_tokens}
    with _held(path):
        done, seed = ({}, None) if path is None else _done(path, prompts, settings, origin)
        settings = (settings if seed is None else settings.changed({"seed": seed})).with_seed()
        new_tokens = 0
        texts = generator.generate_all(prompts, settings=settings, special_tokens=special_tokens, skip=done)
        with output.progress("prompts", total=len(prompts) - len(done), unit="prompts") as progress:
            for number, samples in texts:
                row = _row(number, prompts[number], samples, settings, origin)
                if path is None:
                    output.verbatim(json_bytes(row).decode(), end="")
                else:
                    append_json_line(path, row)
                new_tokens += sum(len(sample.token_ids) for sample in samples)
                progress.advance()
        return {"prompts": len(prompts), "already_there": len(done), "new_tokens": new_tokens, "seed": settings.seed}


@contextlib.contextmanager
def _held(path: str | None) -> Iterator[None]:
    """Keep other processes from writing the same texts into the same file meanwhile."""
    if path is None:
        yield
        return
    if os.path.islink(path):
        raise StorageError(f"{path} is a link, and nothing is written through it; name the file itself.")
    if not is_file(path):
        require_output_file(path)
    advice = "Wait until that is done, or choose another --output."
    with exclusive_lock(path, of=path, advice=advice, content="its own"):
        yield


def _row(
    number: int, prompt: str, samples: list[Sample], settings: SamplingSettings, origin: dict[str, Any]
) -> dict[str, Any]:
    assert settings.seed is not None
    return {
        "index": number,
        "prompt": prompt,
        "samples": [
            {"text": sample.text, "token_ids": sample.token_ids, "finish_reason": sample.finish_reason}
            for sample in samples
        ],
        "seed": settings.seed + number,
        "settings": _changed(settings),
        **origin,
    }


def _changed(settings: SamplingSettings) -> dict[str, Any]:
    """The settings that are not as they are without a flag."""
    plain = SamplingSettings()
    found = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if field.name not in _OF_THE_RUN and value != getattr(plain, field.name):
            found[field.name] = list(value) if isinstance(value, tuple) else value
    return found


def _done(
    path: str, prompts: list[str], settings: SamplingSettings, origin: dict[str, Any]
) -> tuple[dict[int, dict[str, Any]], int | None]:
    """The rows of a file by their number, and the seed of their run; refused where they are another run's."""
    rows: dict[int, dict[str, Any]] = {}
    seed = settings.seed
    for row in read_json_lines(Path(path)):
        index, own_seed = (row.get("index"), row.get("seed")) if isinstance(row, dict) else (None, None)
        if not isinstance(index, int) or not isinstance(own_seed, int) or not 0 <= index < len(prompts):
            raise _another(path, "a line that belongs to none of these prompts")
        if row.get("prompt") != prompts[index]:
            raise _another(path, f"another prompt than {index + 1} of these")
        if row.get("settings") != _changed(settings) or len(row.get("samples", ())) != settings.samples:
            raise _another(path, "texts that were drawn with other settings")
        for name, value in origin.items():
            if row.get(name) != value:
                what = name.replace("_", " ")
                raise _another(path, f"texts with the {what} {row.get(name)}, and this run has {value}")
        seed = own_seed - index if seed is None else seed
        if own_seed != seed + index:
            raise _another(path, f"texts of the seed {own_seed - index}, and --seed is {seed}")
        rows[index] = row
    return rows, seed


def _another(path: str, what: str) -> ConfigurationError:
    return ConfigurationError(f"{path} holds {what}: choose another --output, or remove the file.")
