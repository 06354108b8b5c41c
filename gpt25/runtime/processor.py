"""What the central processor is called, what it can do and how many cores it has, read from the operating system."""

import os
import platform
from pathlib import Path

PROCESSOR_INFORMATION = Path("/proc/cpuinfo")
TOPOLOGY = Path("/sys/devices/system/cpu")
_THREADS_VARIABLE = "OMP_NUM_THREADS"


def _fields() -> dict[str, str]:
    """The first processor's lines of /proc/cpuinfo; empty where there is no such file."""
    fields: dict[str, str] = {}
    try:
        text = PROCESSOR_INFORMATION.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return fields
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def processor_name() -> str:
    """The processor's name as its maker spells it, or its architecture where that is all one can learn."""
    fields = _fields()
    return fields.get("model name") or platform.processor() or platform.machine() or "unknown"


def processor_instructions() -> frozenset[str]:
    """The instruction sets that Linux lists, in lower case ("avx2", "amx_bf16", "bf16"); empty elsewhere."""
    fields = _fields()
    return frozenset((fields.get("flags") or fields.get("features") or "").lower().split())


def number_of_cores() -> int:
    """How many cores this process may use, which in a container can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_threads() -> int:
    """As many as torch takes by itself: one for every core that this process may use, or what OMP_NUM_THREADS says.

    Two threads of one core, where Linux tells of them, count as one, and no more than that are taken.
    """
    cores = number_of_cores()
    if hasattr(os, "sched_getaffinity"):
        cores = len({_siblings(number) for number in os.sched_getaffinity(0)})
    asked = os.environ.get(_THREADS_VARIABLE, "").partition(",")[0].strip()
    return min(int(asked), cores) if asked.isdecimal() and int(asked) > 0 else cores


def _siblings(number: int) -> str:
    """The threads of the core to which a processor of Linux belongs, in its own words; the processor where unknown."""
    try:
        return (TOPOLOGY / f"cpu{number}" / "topology" / "thread_siblings_list").read_text(encoding="ascii").strip()
    except OSError:
        return str(number)
