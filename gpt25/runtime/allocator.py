"""Keep freed memory in the process: glibc gives large blocks back to the kernel with every tensor that dies.

Training frees and takes the same large blocks in every update; each time, the kernel maps and zeroes fresh pages.
"""

import ctypes
import platform

# mallopt's parameters, from malloc.h.
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_MAX = -4
_NEVER = -1
_TAKEN_AHEAD_BYTES = 64 * 1024 * 1024


def use_fast_allocator() -> str:
    """Tell glibc to keep freed memory, for the rest of this process; returns one sentence: what was done, or why not.

    The price is that the process stays as large as it ever was.
    """
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return "the allocator stays as it is: only glibc on Linux can be told to keep freed memory"
    mallopt = ctypes.CDLL(None).mallopt
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _NEVER), (_M_TOP_PAD, _TAKEN_AHEAD_BYTES))
    if not all(mallopt(parameter, value) for parameter, value in settings):
        return "the allocator stays as it is: glibc refused the setting"
    return "glibc's allocator keeps freed memory instead of returning it to the kernel with every large tensor"
