"""How a run uses its device: nothing here changes what is learned, but for rounding."""

import dataclasses
from typing import Literal

from gpt25.training.configuration.requirements import require

CompileMode = Literal["default", "max-autotune-no-cudagraphs"]
_MODES = ("default", "max-autotune-no-cudagraphs")  # none with CUDA graphs: docs/one_gpu.md says why


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpeedConfiguration:
    """Switches of the fast path; "auto" means on where a CUDA GPU trains, off on a processor. See loop.compile too."""

    compile_mode: CompileMode = "default"
    """How torch.compile tunes: max-autotune-no-cudagraphs tries more kernels, for minutes before the first update."""
    compile_region: Literal["auto", "model", "blocks"] = "auto"
    """What is compiled as one piece: auto takes the model on one rank, blocks on several, whose gradients are then
    all-reduced while the backward pass still runs."""
    loss: Literal["fused", "simple"] = "fused"
    """fused never holds all logits; simple is model(indices, labels), for comparison."""
    padded_vocabulary: bool | Literal["auto"] = "auto"
    """Multiply by the head in a multiple of 128 columns (50,257 -> 50,304), the extra ones never part of the loss."""
    prefetch: bool | Literal["auto"] = "auto"
    """Read the next update's rows in a thread, into pinned memory, while this one is computed."""
    read_late: bool | Literal["auto"] = "auto"
    """Read loss and norm while the next update runs already; the device itself decides on clipping and skipping."""
    bfloat16_orthogonalisation: bool | Literal["auto"] = "auto"
    """Orthogonalise Muon's updates in bfloat16; auto does where a CUDA GPU trains in bfloat16."""
    share_orthogonalisation: bool = True
    """Of several ranks, each orthogonalises a part of Muon's matrices, and up to eight neighbours exchange them; else
    each does all of them."""
    short_residual_stream: bool = False
    """Keep the residual stream between blocks in loop.precision: bfloat16 halves its bytes and rounds every sum."""

    def __post_init__(self) -> None:
        require(self.compile_mode in _MODES, "speed.compile_mode", self.compile_mode, f"one of {', '.join(_MODES)}")
        regions = ("auto", "model", "blocks")
        require(self.compile_region in regions, "speed.compile_region", self.compile_region, "auto, model or blocks")
        require(self.loss in ("fused", "simple"), "speed.loss", self.loss, "fused or simple")
        for field in ("padded_vocabulary", "prefetch", "read_late", "bfloat16_orthogonalisation"):
            require_switch(f"speed.{field}", getattr(self, field))
        for field in ("share_orthogonalisation", "short_residual_stream"):
            require(isinstance(getattr(self, field), bool), f"speed.{field}", getattr(self, field), "true or false")
        rule = "false where speed.loss is simple, which is the model's own"
        short = self.short_residual_stream
        require(not short or self.loss == "fused", "speed.short_residual_stream", short, rule)


def require_switch(field: str, value: bool | Literal["auto"]) -> None:
    """Raise ConfigurationError for anything but true, false and auto."""
    require(value == "auto" or isinstance(value, bool), field, value, "true, false or auto")


def is_on(switch: bool | Literal["auto"], *, device_type: str) -> bool:
    """What a switch means on a device of that type: is_on("auto", device_type="cuda") -> True."""
    return device_type == "cuda" if switch == "auto" else switch
