"""From a MODEL word to a model that answers."""

import time

import torch

from gpt25.generation import GeneratingPrecision, TextGenerator
from gpt25.generation.engine import Engine, Runners, compiled_kernels
from gpt25.model import Accounting, GPTModel, quantise_int8
from gpt25.records import RunDirectory, split_model_argument
from gpt25.runtime import free_memory_bytes
from gpt25.server.registry.served_model import ServedModel, fingerprint_of
from gpt25.server.registry.warm_up import warm_up
from gpt25.version import __version__
from gpt25.weights import load_pretrained

_MOST_SLOTS = 32
_SHARE_OF_MEMORY = 4  # a quarter of what is free goes to the keys and values of texts


def load_served_model(name: str, word: str, *, precision: GeneratingPrecision, slots: int | None) -> ServedModel:
    """Load a model, give it an engine, and let it take its first steps, so that no client waits for those.

    word: a MODEL. slots: texts at a time; None for as many as a quarter of the free memory holds, at most 32.
    Raises GPT25Error for a model that cannot be loaded or has no tokenizer that fits.
    """
    model, tokenizer = load_pretrained(word, device=precision.device, dtype=precision.load_dtype)
    if precision.name == "int8":
        quantise_int8(model)
    checked = TextGenerator(model, tokenizer)
    runners = Runners(model)
    capacity = model.configuration.block_size
    runner = runners.runner(slots=slots or _slots_that_fit(model), capacity=capacity)
    end_ids = model.end_ids(checked.tokenizer.end_of_text_id)
    engine = Engine(runner, checked.tokenizer, end_ids=end_ids)
    began, compiled = time.monotonic(), compiled_kernels() if runners.uses_kernels else 0
    every_size = model.device.type == "cuda"
    warm_up(
        engine, checked.tokenizer.end_of_text_id, slots=runner.slots, capacity=runner.capacity, every_size=every_size
    )
    compiles = runners.uses_kernels and compiled_kernels() > compiled
    kernels = "kernels" if runners.uses_kernels else "torch"
    how = (
        f"{precision.name} on {precision.device} ({precision.reason}), {runner.slots} texts at a time, "
        f"warm after {time.monotonic() - began:.1f} s"
        + (", in which kernels were compiled for this processor; the disk keeps them" if compiles else "")
    )
    fingerprint = fingerprint_of(__version__, name, checked.tokenizer.fingerprint, precision.name, kernels)
    longest = max(len(checked.tokenizer.token_bytes(token)) for token in range(checked.tokenizer.vocabulary_size))
    return ServedModel(name, model, checked.tokenizer, engine, how, fingerprint, longest, _run_of(word))


def _run_of(word: str) -> RunDirectory | None:
    """The run that a MODEL word names, with or without a checkpoint behind an "@"; None for any other model."""
    path, _ = split_model_argument(word)
    return RunDirectory(path) if RunDirectory.is_run(path) else None


def _slots_that_fit(model: GPTModel) -> int:
    """Texts whose keys and values fit a share of the memory that is free."""
    positions = model.configuration.block_size
    bytes_of_one = Accounting(model.configuration).cache_bytes(
        batch_size=1, positions=positions, bytes_per_element=model.dtype.itemsize
    )
    free = torch.cuda.mem_get_info(model.device)[0] if model.device.type == "cuda" else free_memory_bytes()
    return _MOST_SLOTS if free is None else max(1, min(_MOST_SLOTS, free // _SHARE_OF_MEMORY // bytes_of_one))
