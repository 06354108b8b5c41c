"""The optimisations of speed that training_gpu.py ablates, one at a time."""

from collections.abc import Sequence
from typing import Any

Changes = dict[str, dict[str, Any]]
"""Fields of sections of a recipe that are not at their defaults; `attention` is the worker's own section."""

ABLATIONS: dict[str, Changes] = {
    "compile": {"loop": {"compile": False}},
    "flash attention": {"attention": {"kernel": "MATH"}},
    "padded vocabulary": {"speed": {"padded_vocabulary": False}},
    "fused loss": {"speed": {"loss": "simple"}},
    "prefetch": {"speed": {"prefetch": False}},
    "late reading": {"speed": {"read_late": False}},
    "whole model in one piece": {"speed": {"compile_region": "blocks"}},
    "bfloat16": {"loop": {"precision": "float32"}},
    "bfloat16 in Muon": {"speed": {"bfloat16_orthogonalisation": False}},
}
"""On by default on a GPU; Muon's is the same as everything where AdamW trains."""
ADDITIONS: dict[str, Changes] = {
    "a short residual stream": {"speed": {"short_residual_stream": True}},
    "more kernels to choose from": {"speed": {"compile_mode": "max-autotune-no-cudagraphs"}},
    "cuDNN's attention alone": {"attention": {"kernel": "CUDNN_ATTENTION"}},
    "FlashAttention's alone": {"attention": {"kernel": "FLASH_ATTENTION"}},
}
"""Off by default; of the two attentions one is what torch takes by itself, and `gpt25 doctor` says which."""
# On a processor too, where "auto" means off.
_ALL_ON: Changes = {
    "speed": {"padded_vocabulary": True, "prefetch": True, "read_late": True, "bfloat16_orthogonalisation": True}
}


def variants(chosen: Sequence[str]) -> dict[str, Changes]:
    """The chosen optimisations, or every one, each switched off or on alone, behind a run with everything."""
    changed = {**ABLATIONS, **ADDITIONS}
    found = {"everything": _ALL_ON}
    for name in chosen or changed:
        label = f"{'with' if name in ADDITIONS else 'without'} {name}"
        sections = {**_ALL_ON, **changed[name]}
        found[label] = {section: {**_ALL_ON.get(section, {}), **fields} for section, fields in sections.items()}
    return found
