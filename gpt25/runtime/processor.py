"""What the central processor is called and which instructions it has, read from the operating system."""

import os
import platform
from pathlib import Path

PROCESSOR_INFORMATION = Path("/proc/cpuinfo")


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
