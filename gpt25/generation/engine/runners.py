"""Which runner a model gets."""

from typing import TYPE_CHECKING, Literal

import torch
from torch import nn

from gpt25.generation.engine.kernel_runner import KernelRunner
from gpt25.generation.engine.runner import Runner
from gpt25.generation.engine.torch_runner import TorchRunner
from gpt25.generation.generating_precision import kernels_are_installed
from gpt25.model import Accounting, GPTModel, Int8Linear

if TYPE_CHECKING:
    from gpt25.kernels.processor_model import ProcessorModel

_FEWEST_PARAMETERS = 500_000  # below, loading the kernels takes longer than torch takes for whole texts
_ROWS_BESIDE_SLOTS = 64  # tokens of prompts that a step reads


class Runners:
    """Makes runners for one model; what does not depend on the slots is made once."""

    def __init__(self, model: GPTModel, *, kernels: Literal["auto", "torch"] = "auto") -> None:
        self._model = model
        self._kernels = kernels
        self._int8: ProcessorModel | None = None  # its tables stay true, for an int8 model is not trained

    @property
    def uses_kernels(self) -> bool:
        """Whether runners compute with the kernels of the extra `fast`, and not with torch."""
        return self._kernels == "auto" and suits_kernels(self._model)

    def runner(self, *, slots: int, capacity: int) -> Runner:
        """A runner with slots of `capacity` positions."""
        if not self.uses_kernels:
            return TorchRunner(self._model, slots=slots, capacity=capacity)
        most_rows = slots + _ROWS_BESIDE_SLOTS
        return KernelRunner(self._processor_model(), slots=slots, capacity=capacity, most_rows=most_rows)

    def _processor_model(self) -> "ProcessorModel":
        from gpt25.kernels.processor_model import ProcessorModel

        if self._int8 is not None:
            return self._int8
        made = ProcessorModel(self._model)
        head: object = self._model.language_modeling_head
        if isinstance(head, Int8Linear):
            self._int8 = made
        return made


def suits_kernels(model: GPTModel) -> bool:
    """Whether the kernels are installed and made for this model: on the processor, float32 or int8, not tiny."""
    head: object = model.language_modeling_head
    if model.device.type != "cpu" or not kernels_are_installed():
        return False
    if isinstance(head, Int8Linear):
        return True
    is_float32 = isinstance(head, nn.Linear) and head.weight.dtype == torch.float32
    return is_float32 and Accounting(model.configuration).parameters >= _FEWEST_PARAMETERS
