"""What the heads of one attention compute, from queries to what each writes."""

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from gpt25.inspection.activations.activation_names import OF_ATTENTION
from gpt25.inspection.activations.pattern import pattern_of
from gpt25.inspection.activations.visit import Visit, weight_of
from gpt25.model.attention import Attention


class AttentionStations:
    """Hooks on one attention; the shapes of what passes are in `record`."""

    def __init__(self, name: str, attention: Attention, names: Collection[str], visit: Visit) -> None:
        self._name, self._attention, self._visit = name, attention, visit
        self._wanted = {part for part in OF_ATTENTION if f"{name}.{part}" in names}
        self._mixed: Tensor | None = None  # what takes the place of the fused attention's, between two hooks of a pass

    def in_front_of_outputs(self) -> list[RemovableHandle]:
        """The hooks on what the projection gets, and on what the heads write, before its own output."""
        projection = self._attention.projection
        handles: list[RemovableHandle] = []
        if {"pattern", "mixed"} & self._wanted:
            handles.append(projection.register_forward_pre_hook(self._mix))
        if "head_outputs" in self._wanted:
            handles.append(projection.register_forward_hook(self._write))
        return handles

    def behind_outputs(self) -> list[RemovableHandle]:
        """The hook on queries, keys and values, behind the one on all three together."""
        if {"query", "key", "value", "pattern"} & self._wanted:
            return [self._attention.query_key_value.register_forward_hook(self._look)]
        return []

    def _pass(self, part: str, activation: Tensor) -> Tensor:
        return self._visit(f"{self._name}.{part}", activation) if part in self._wanted else activation

    def _look(self, module: nn.Module, inputs: Any, fused: Tensor) -> Tensor:
        """Queries, keys and values by head, and the pattern that they make."""
        given = self._attention.split(fused)  # each (batch, heads, time, head size)
        query, key, value = (
            self._pass(part, each) for part, each in zip(("query", "key", "value"), given, strict=True)
        )
        if "pattern" in self._wanted:
            pattern = pattern_of(query, key)  # (batch, heads, time, time)
            edited = self._pass("pattern", pattern)
            if edited is not pattern:
                self._mixed = edited.to(value.dtype) @ value  # (batch, heads, time, head size)
        if all(new is old for new, old in zip((query, key, value), given, strict=True)):
            return fused
        joined = torch.stack((query, key, value)).permute(1, 3, 0, 2, 4)  # (batch, time, 3, heads, head size)
        return joined.flatten(2)  # (batch, time, 3 * channels)

    def _mix(self, module: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor] | None:
        """What every head has gathered, before the projection."""
        mixed = self._by_head(inputs[0]) if self._mixed is None else self._mixed  # (batch, heads, time, head size)
        is_replaced, self._mixed = self._mixed is not None, None
        edited = self._pass("mixed", mixed)
        if edited is mixed and not is_replaced:
            return None
        return (edited.transpose(1, 2).flatten(2),)  # (batch, time, channels)

    def _write(self, module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        """What every head adds to the residual stream; the bias of the projection is nobody's."""
        name = f"{self._name}.head_outputs"
        weight = weight_of(name, self._attention.projection)  # (channels, channels)
        mixed = self._by_head(inputs[0])  # (batch, heads, time, head size)
        of_head = weight.unflatten(1, (self._attention.number_of_heads, -1))  # (channels, heads, head size)
        written = torch.einsum("bhts,chs->bhtc", mixed, of_head)  # (batch, heads, time, channels)
        edited = self._visit(name, written)
        return output if edited is written else edited.sum(1) + self._attention.projection.bias

    def _by_head(self, joined: Tensor) -> Tensor:
        """(batch, time, channels) -> (batch, heads, time, head size)."""
        return joined.unflatten(2, (self._attention.number_of_heads, -1)).transpose(1, 2)
