"""How many connections the system lets a process hold."""

import sys

_MOST_FILES = 65_536
_FILES_BESIDE_CONNECTIONS = 128


def connections_that_fit(wanted: int) -> int:
    """Ask the system for as many files as `wanted` connections need; return how many connections there can be."""
    if sys.platform == "win32":  # has no such limit
        return wanted
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _FILES_BESIDE_CONNECTIONS
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = min(needed, _MOST_FILES) if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - _FILES_BESIDE_CONNECTIONS))
