"""Which kernel computes attention on a device, as torch itself chooses it, and cuDNN's version."""

from dataclasses import dataclass

import torch
from torch.nn.attention import SDPBackend

from gpt25.runtime.precision import Precision

_NAMES = {
    SDPBackend.CUDNN_ATTENTION: "cuDNN's",
    SDPBackend.FLASH_ATTENTION: "FlashAttention's",
    SDPBackend.EFFICIENT_ATTENTION: "the memory-efficient one",
    SDPBackend.MATH: "the plain one, which holds all scores",
}
_HEADS, _TIME, _CHANNELS = 12, 1024, 64  # of the 124M


@dataclass(frozen=True)
class AttentionKernel:
    """The kernel of `scaled_dot_product_attention`, and one sentence for the user about it."""

    name: str
    reason: str


def choose_attention(device: torch.device, precision: Precision) -> AttentionKernel:
    """The kernel that torch takes for training a block of the 124M on the device in that precision.

    torch is asked with tensors of these shapes, so that its build, its order of preference, the GPU and cuDNN's version
    all count as they will.
    """
    try:
        shape = (1, _HEADS, _TIME, _CHANNELS)  # (batch, heads, time, head size)
        query = torch.empty(shape, dtype=precision.dtype, device=device, requires_grad=True)
        chosen = SDPBackend(torch._fused_sdp_choice(query, query, query, None, 0.0, True))
    except (RuntimeError, ValueError, NotImplementedError) as problem:
        reason = str(problem).strip().splitlines()[0] if str(problem).strip() else type(problem).__name__
        return AttentionKernel("unknown", f"torch does not say what it takes on {device}: {reason}")
    words = f"what torch takes in {precision.name} on {device.type} for heads of {_CHANNELS} channels"
    if device.type == "cuda":
        words += _about_cudnn(device, chosen)
    return AttentionKernel(_NAMES.get(chosen, chosen.name), words)


def cudnn_version() -> str | None:
    """The version of cuDNN as its maker writes it: 91501 -> "9.15.1"; None where torch is built without it."""
    number = torch.backends.cudnn.version() if torch.version.cuda else None
    if number is None:
        return None
    major = 10_000 if number >= 90_000 else 1_000  # 8.9.7 was 8907
    return f"{number // major}.{number % major // 100}.{number % 100}"


def _about_cudnn(device: torch.device, chosen: SDPBackend) -> str:
    """Why it is cuDNN's or not, by the rule of torch 2.11 and newer (aten/src/ATen/native/transformers/cuda)."""
    major, minor = torch.cuda.get_device_capability(device)
    version = cudnn_version()
    if chosen == SDPBackend.CUDNN_ATTENTION:
        return f"; with cuDNN {version} on compute capability {major}.{minor} it comes first"
    if major in (9, 10):
        return (
            f"; cuDNN's would come first with a cuDNN above 9.15 (this is {version or 'none'}) and without "
            "TORCH_CUDNN_SDPA_DEPRIORITIZED"
        )
    return f"; cuDNN's comes first on compute capabilities 9 and 10 only, and this is {major}.{minor}"
