"""Numba in a process that needs nothing of it but code that is compiled already."""

import sys


def import_numba() -> None:
    """Import Numba and what it looks for before it runs kept code, but not scipy, whose import takes as long again.

    Numba asks scipy for products of matrices, which no kernel of ours takes from it. Whoever hides scipy keeps such
    products from everybody in the process, and so this is for commands, not for the package. Afterwards scipy can be
    imported as ever.
    """
    hidden = "scipy" not in sys.modules
    if hidden:
        sys.modules["scipy"] = None  # type: ignore[assignment]  # Python's own way to let an import fail
    try:
        from numba.core.registry import cpu_target

        cpu_target.typing_context.refresh()
        cpu_target.target_context.refresh()
    finally:
        if hidden:
            del sys.modules["scipy"]
