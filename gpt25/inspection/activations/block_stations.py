"""The residual stream before, inside and behind a block."""

from collections.abc import Collection
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from gpt25.inspection.activations.visit import Visit
from gpt25.model.block import Block


class BlockStations:
    """Hooks on one block; each activation is (batch, time, channels)."""

    def __init__(self, name: str, block: Block, names: Collection[str], visit: Visit) -> None:
        self._name, self._block, self._names, self._visit = name, block, names, visit
        self._before: Tensor | None = None  # the stream that enters, between the hooks of one pass

    def _wants(self, part: str) -> bool:
        return f"{self._name}.{part}" in self._names

    def in_front_of_outputs(self) -> list[RemovableHandle]:
        """The hook on what enters."""
        if self._wants("residual_before") or self._wants("residual_middle"):
            return [self._block.register_forward_pre_hook(self._enter)]
        return []

    def behind_outputs(self) -> list[RemovableHandle]:
        """The hooks that see what the attention and the block give, after the edits of these."""
        handles = []
        if self._wants("residual_middle"):
            handles.append(self._block.attention.register_forward_hook(self._in_the_middle))
        if self._wants("residual_after"):
            name = f"{self._name}.residual_after"
            handles.append(self._block.register_forward_hook(lambda module, inputs, output: self._visit(name, output)))
        return handles

    def _enter(self, module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        stream, *rest = inputs
        entering = self._visit(f"{self._name}.residual_before", stream) if self._wants("residual_before") else stream
        self._before = entering
        return None if entering is stream else (entering, *rest)

    def _in_the_middle(self, module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        """The stream behind the attention; the block adds it up itself, so that an edit becomes the attention's."""
        assert self._before is not None
        before, self._before = self._before, None
        middle = before + output  # (batch, time, channels)
        edited = self._visit(f"{self._name}.residual_middle", middle)
        return output if edited is middle else edited - before
