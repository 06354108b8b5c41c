"""Whether a GPU may be there, asked of the operating system, because asking torch takes the second that it loads in."""

import sys
from pathlib import Path

DEVICES = Path("/dev")
# What the drivers of NVIDIA (on boards of its own too), of AMD and of Windows beneath Linux put there.
_SIGNS = ("nvidia*", "nvhost*", "nvmap", "nvgpu*", "kfd", "dxg")


def may_have_gpu() -> bool:
    """False only on a Linux without any sign of a GPU that torch could compute on; True elsewhere, and in doubt."""
    if sys.platform != "linux" or not (DEVICES / "null").exists():
        return True
    return any(next(DEVICES.glob(sign), None) is not None for sign in _SIGNS)
