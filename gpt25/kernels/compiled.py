"""How the kernels are compiled, and how their code is kept on disk."""

import contextlib
import hashlib
from pathlib import Path

from numba import njit
from numba.core.caching import FunctionCache, IndexDataCacheFile

compiled = njit(nogil=True, error_model="numpy")
"""Numba's compiler, without Python's lock and with divisions that give infinity instead of an error: a loop that may
raise one is not made vector code."""


def compiled_and_kept(function):
    """The same; the code is kept on disk, with all that it calls, for this kind of processor, where there is a place.

    What is kept only saves time: a folder that cannot be written, a full disk and damaged files cost the time of
    compiling, and nothing else.
    """
    dispatcher = compiled(function)
    with contextlib.suppress(RuntimeError, OSError):  # Numba finds no folder, or no sources
        dispatcher._cache = _KeptCode(function)
    return dispatcher


def is_kept(function):
    """Whether the disk holds code of a `compiled_and_kept` function that was compiled from these very sources."""
    return isinstance(function._cache, _KeptCode) and function._cache.is_filled


class _KeptCode(FunctionCache):
    """Numba's files of one function, held to three things that Numba leaves open."""

    def __init__(self, function):
        super().__init__(function)
        # Numba looks at the function's own file, and what it calls lies in others: all sources make the stamp.
        base = self._impl.filename_base
        self._cache_file = IndexDataCacheFile(self._cache_path, filename_base=base, source_stamp=_digest_of_sources())

    @property
    def is_filled(self):
        """Whether there is code of any signature."""
        try:
            return bool(self._cache_file._load_index())
        except Exception:  # whatever damaged bytes make of unpickling
            return False

    def load_overload(self, sig, target_context):
        """The code for a signature; None where there is none, or it is damaged, or another's.

        Two processes that begin at the same time may both number their code 1: the later file then lies under the
        signature of the earlier.
        """
        try:
            found = super().load_overload(sig, target_context)
            if found is None or tuple(found.signature.args) == tuple(sig):
                return found
        except Exception:  # whatever damaged bytes make of unpickling
            pass
        with contextlib.suppress(OSError):
            self.flush()
        return None

    def save_overload(self, sig, data):
        """Keep the code, where there is room for it."""
        with contextlib.suppress(Exception):
            super().save_overload(sig, data)


def _digest_of_sources():
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
