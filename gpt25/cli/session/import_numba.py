"""Numba in a process that needs nothing of it but code that is compiled already."""

import contextlib
import importlib.util

from gpt25.generation.generating_precision import modules_hidden
from gpt25.weights.garbage_collection import garbage_collection_paused


def import_numba() -> None:
    """Import Numba and what it looks for before it runs kept code, but not scipy, whose import takes as long again.

    Numba asks scipy for products of matrices, which no kernel of ours takes from it. Whoever hides scipy keeps such
    products from everybody in the process, and so this is for commands, not for the package. Afterwards scipy can be
    imported as ever. A Numba that is not there or cannot be imported is `kernels_are_installed`'s to speak of, and so
    is why colorama is hidden.
    """
    if importlib.util.find_spec("numba") is None:
        return
    with modules_hidden("scipy", "colorama"), garbage_collection_paused(), contextlib.suppress(Exception):
        from numba.core.registry import cpu_target

        cpu_target.typing_context.refresh()
        cpu_target.target_context.refresh()
