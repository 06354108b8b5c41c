"""Where and in which precision a model generates; known without torch where the processor is meant."""

import functools
import importlib.util
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gpt25.errors import ConfigurationError, GPT25Warning
from gpt25.installation import install_command
from gpt25.model import Accounting, GPTConfiguration
from gpt25.runtime import may_have_gpu, processor_precision

if TYPE_CHECKING:
    import torch

GeneratingPrecisionName = Literal["auto", "float32", "bfloat16", "int8"]
_OLDEST_NUMBA = (0, 63)  # as the extra in pyproject.toml says
_FEWEST_PARAMETERS = 500_000  # below, loading the kernels takes longer than torch takes for whole texts


@dataclass(frozen=True)
class GeneratingPrecision:
    """A device, what the weights are there, and why."""

    device: str
    """torch's name of it."""
    name: Literal["float32", "bfloat16", "int8"]
    load_name: Literal["float32", "bfloat16"]
    """As what to load the weights; those for int8 are rounded afterwards, by `quantise_int8`."""
    reason: str
    """One sentence for the user."""

    @property
    def load_dtype(self) -> "torch.dtype":
        """The same as torch's dtype."""
        import torch

        return torch.float32 if self.load_name == "float32" else torch.bfloat16


@contextmanager
def modules_hidden(*names: str) -> Iterator[None]:
    """Let imports of these packages fail meanwhile, where they have not been imported yet; then they are as before."""
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own way to let an import fail
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@functools.cache
def kernels_are_installed() -> bool:
    """Whether the extra `fast` is there and works; where it is there in vain, one GPT25Warning says why."""
    if importlib.util.find_spec("numba") is None:
        return False
    problem = _problem_of_numba()
    if problem is not None:
        warnings.warn(f"the extra fast is of no use here, and torch computes instead: {problem}", GPT25Warning, 2)
    return problem is None


def _problem_of_numba() -> str | None:
    """Why an installed Numba cannot compile the kernels, and what to do; None where it can."""
    again = f"install it again with: {install_command('fast')}"
    try:
        with modules_hidden("colorama"):  # by which Numba has a terminal's colours reset when the process ends
            import numba
    except Exception as problem:  # a NumPy that is too new for it is an ImportError, a broken LLVM an OSError
        return f"Numba cannot be imported ({problem}); {again}"
    if tuple(map(int, re.findall(r"\d+", numba.__version__)[:2])) < _OLDEST_NUMBA:
        oldest = ".".join(map(str, _OLDEST_NUMBA))
        return f"Numba {numba.__version__} is older than {oldest}; {again}"
    if numba.config.DISABLE_JIT:
        return "NUMBA_DISABLE_JIT is set, which keeps Numba from compiling; unset it."
    return None


def kernels_compute(configuration: GPTConfiguration, *, device: str, precision: str) -> bool:
    """Whether the kernels are there and made for such a model: on the processor, float32 or int8, not tiny."""
    is_worth_it = precision == "float32" and Accounting(configuration).parameters >= _FEWEST_PARAMETERS
    return device == "cpu" and (precision == "int8" or is_worth_it) and kernels_are_installed()


def choose_generating_precision(device_name: str, name: GeneratingPrecisionName) -> GeneratingPrecision:
    """Choose by the names that a user gives, "auto" among them.

    On a processor "auto" is float32 where the kernels are installed: they read it as fast as memory gives it, and
    exactly; torch's bfloat16 is faster only than torch's float32. Raises ConfigurationError for int8 elsewhere than on
    the processor, and for names that do not exist.
    """
    if name == "int8":
        if device_name not in ("auto", "cpu"):
            raise ConfigurationError(
                f"int8 weights are for the processor, and the device is {device_name}; choose --precision bfloat16 "
                "there, or --device cpu."
            )
        rest: Literal["float32", "bfloat16"] = "float32" if kernels_are_installed() else "bfloat16"
        return GeneratingPrecision(
            "cpu", "int8", rest, f"asked for; a scale for every row, and {rest} for all that is no matrix"
        )
    device = _device(device_name)
    if name == "auto" and device == "cpu" and kernels_are_installed():
        return GeneratingPrecision(
            device, "float32", "float32", "exact, and as fast as memory is read; int8 reads a quarter"
        )
    if device == "cpu":
        precision, reason = processor_precision(name)
    else:
        import torch

        from gpt25.runtime import choose_precision

        found = choose_precision(torch.device(device), name)
        precision, reason = found.name, found.reason
    return GeneratingPrecision(device, precision, precision, reason)


def _device(name: str) -> str:
    """The device of that name: without torch where the processor is asked for, or nothing else can be there."""
    if name == "cpu" or (name == "auto" and not may_have_gpu()):
        return "cpu"
    from gpt25.runtime import choose_device

    return str(choose_device(name))
