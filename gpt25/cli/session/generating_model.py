"""The model of a command that writes text, loaded without torch where nothing needs it."""

from typing import TYPE_CHECKING

from gpt25.cli.session.import_numba import import_numba
from gpt25.generation import GeneratingPrecision
from gpt25.generation.generating_precision import kernels_compute
from gpt25.tokenizer import Tokenizer
from gpt25.weights import can_load_arrays, find_model, load_arrays

if TYPE_CHECKING:
    from gpt25.model import GPTModel, ModelArrays


def load_generating_model(
    model: str, precision: GeneratingPrecision, *, checkpoint: str, revision: str | None
) -> tuple["GPTModel | ModelArrays", Tokenizer | None]:
    """Load a MODEL as `load_pretrained` does, in the precision that was chosen; raises and warns like that.

    Where the kernels of the extra `fast` will compute and the weights lie as they read them, these are arrays: torch,
    which takes a second to import, is then never needed, and the texts have the same bits.
    """
    found = find_model(model, checkpoint=checkpoint, revision=revision)
    tokenizer = found.load_tokenizer()
    by_kernels = kernels_compute(found.configuration, device=precision.device, precision=precision.name)
    if by_kernels and can_load_arrays(found):
        import_numba()
        arrays = load_arrays(found)
        return (arrays.in_int8() if precision.name == "int8" else arrays), tokenizer
    from gpt25.weights import load_found

    loaded = load_found(found, device=precision.device, dtype=precision.load_dtype)
    if precision.name == "int8":
        from gpt25.model import quantise_int8

        quantise_int8(loaded)
    return loaded, tokenizer
