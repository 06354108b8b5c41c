"""How the kernels are compiled."""

from numba import njit

compiled = njit(nogil=True, error_model="numpy")
"""Numba's compiler, without Python's lock and with divisions that give infinity instead of an error: a loop that may
raise one is not made vector code."""

compiled_and_kept = njit(nogil=True, error_model="numpy", cache=True)
"""The same; the code is kept on disk, with all that it calls, for this kind of processor."""
