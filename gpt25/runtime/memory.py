"""How much main memory there is, as far as the operating system and a container's limit tell."""

import os
from pathlib import Path

MEMORY_INFORMATION = Path("/proc/meminfo")
CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
CONTAINER_USE = Path("/sys/fs/cgroup/memory.current")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _meminfo_bytes(field: str) -> int | None:
    for line in _read(MEMORY_INFORMATION).splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    return None


def _container_bytes(path: Path) -> int | None:
    text = _read(path).strip()
    return int(text) if text.isdigit() else None


def total_memory_bytes() -> int | None:
    """Main memory that this process may use; None where the system does not say."""
    total = _meminfo_bytes("MemTotal")
    if total is None and hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _container_bytes(CONTAINER_LIMIT)
    return total if limit is None or total is None else min(limit, total)


def free_memory_bytes() -> int | None:
    """Main memory that could be taken now without swapping; None where the system does not say."""
    free = _meminfo_bytes("MemAvailable")
    limit, used = _container_bytes(CONTAINER_LIMIT), _container_bytes(CONTAINER_USE)
    if limit is not None and used is not None:
        left = max(limit - used, 0)
        return left if free is None else min(left, free)
    return free
