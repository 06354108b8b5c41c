"""The model of a command that writes text, loaded without torch where nothing needs it."""

import gc
from typing import TYPE_CHECKING

from gpt25.cli.output import Output
from gpt25.generation import GeneratingPrecision
from gpt25.generation.generating_precision import kernels_compute
from gpt25.tokenizer import Tokenizer
from gpt25.weights import can_load_arrays, find_model, load_arrays
from gpt25.weights.garbage_collection import garbage_collection_paused

if TYPE_CHECKING:
    from gpt25.model import GPTModel, ModelArrays


def load_generating_model(
    model: str, precision: GeneratingPrecision, *, checkpoint: str, revision: str | None
) -> tuple["GPTModel | ModelArrays", Tokenizer | None]:
    """Load a MODEL as `load_pretrained` does, in the precision that was chosen; raises and warns like that.

    Where the kernels of the extra `fast` will compute and the weights lie as they read them, these are arrays: torch,
    which takes a second to import, is then never needed, and the texts have the same bits. What has been imported and
    loaded by then is taken for no garbage until the process ends: looking through it at its end would take a quarter of
    all its time.
    """
    with garbage_collection_paused():
        loaded = _loaded(model, precision, checkpoint=checkpoint, revision=revision)
    gc.freeze()
    return loaded


def say_what_is_awaited(model: "GPTModel | ModelArrays", precision: GeneratingPrecision, output: Output) -> None:
    """Say before the first text of this machine that its kernels are compiled first, which takes some seconds."""
    if not kernels_compute(model.configuration, device=precision.device, precision=precision.name):
        return
    from gpt25.generation.engine import kernels_are_kept

    if not kernels_are_kept():
        output.note("compiling the kernels for this processor: some ten seconds, once; the disk keeps them")


def _loaded(
    model: str, precision: GeneratingPrecision, *, checkpoint: str, revision: str | None
) -> tuple["GPTModel | ModelArrays", Tokenizer | None]:
    found = find_model(model, checkpoint=checkpoint, revision=revision)
    tokenizer = found.load_tokenizer()
    by_kernels = kernels_compute(found.configuration, device=precision.device, precision=precision.name)
    if by_kernels and can_load_arrays(found):
        arrays = load_arrays(found)
        return (arrays.in_int8() if precision.name == "int8" else arrays), tokenizer
    from gpt25.weights import load_found

    loaded = load_found(found, device=precision.device, dtype=precision.load_dtype)
    if precision.name == "int8":
        from gpt25.model import quantise_int8

        quantise_int8(loaded)
    return loaded, tokenizer
