"""One seed and a path of names give every consumer of chance its own stream, the same in every process."""

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def derive_seed(seed: int, *path: str | int) -> int:
    """A 63-bit seed for the consumer that `path` names: derive_seed(42, "data", 3) is the same everywhere, always.

    Strings and numbers differ ("1" is not 1), and so do paths that read alike when joined (("ab",) and ("a", "b")).
    """
    text = json.dumps([seed, *path])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator_for(seed: int, *path: str | int, device: "torch.device | str" = "cpu") -> "torch.Generator":
    """A generator on `device`, seeded with derive_seed(seed, *path)."""
    import torch

    return torch.Generator(device=device).manual_seed(derive_seed(seed, *path))
