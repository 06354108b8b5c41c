"""Which runner a model gets."""

from typing import TYPE_CHECKING, Any, Literal

from gpt25.generation.engine.kernel_runner import KernelRunner
from gpt25.generation.engine.runner import Runner
from gpt25.generation.generating_precision import kernels_are_installed, kernels_compute
from gpt25.installation import missing_extra
from gpt25.model import ModelArrays

if TYPE_CHECKING:
    from gpt25.kernels.processor_model import ProcessorModel
    from gpt25.model import GPTModel

_ROWS_BESIDE_SLOTS = 64  # tokens of prompts that a step reads


class Runners:
    """Makes runners for one model; what does not depend on the slots is made once."""

    def __init__(self, model: "GPTModel | ModelArrays", *, kernels: Literal["auto", "torch"] = "auto") -> None:
        """model: ModelArrays are for the kernels alone; raises MissingExtraError where those are not installed."""
        if isinstance(model, ModelArrays) and not kernels_are_installed():
            raise missing_extra(
                "a model of arrays needs the extra fast, which is not here or does not work", extra="fast"
            )
        self._model = model
        self._kernels = kernels
        self._unchanging: ProcessorModel | None = None

    @property
    def uses_kernels(self) -> bool:
        """Whether runners compute with the kernels of the extra `fast`, and not with torch."""
        if isinstance(self._model, ModelArrays):
            return True
        return self._kernels == "auto" and suits_kernels(self._model)

    def runner(self, *, slots: int, capacity: int) -> Runner[Any]:
        """A runner with slots of `capacity` positions."""
        if self.uses_kernels:
            most_rows = slots + _ROWS_BESIDE_SLOTS
            return KernelRunner(self._processor_model(), slots=slots, capacity=capacity, most_rows=most_rows)
        from gpt25.generation.engine.torch_runner import TorchRunner

        assert not isinstance(self._model, ModelArrays)
        return TorchRunner(self._model, slots=slots, capacity=capacity)

    def _processor_model(self) -> "ProcessorModel":
        """The model as the kernels read it; read again every time where it may be trained meanwhile."""
        if self._unchanging is not None:
            return self._unchanging
        from gpt25.kernels.processor_model import ProcessorModel

        if isinstance(self._model, ModelArrays):
            made = self._unchanging = ProcessorModel(self._model)
            return made
        import torch

        made = ProcessorModel(ModelArrays.of(self._model), workers=torch.get_num_threads())
        if _is_int8(self._model):
            self._unchanging = made
        return made


def suits_kernels(model: "GPTModel") -> bool:
    """Whether the kernels are installed and made for this model as it is."""
    head: object = model.language_modeling_head
    weight = getattr(head, "weight", None)
    precision = "int8" if _is_int8(model) else str(getattr(weight, "dtype", None)).removeprefix("torch.")
    return kernels_compute(model.configuration, device=model.device.type, precision=precision)


def _is_int8(model: "GPTModel") -> bool:
    from gpt25.model import Int8Linear

    head: object = model.language_modeling_head
    return isinstance(head, Int8Linear)
