"""The neurons of a perceptron: what stands between GELU and the projection, which are one layer here."""

from collections.abc import Collection

from torch import Tensor, nn
from torch.nn import functional
from torch.utils.hooks import RemovableHandle

from gpt25.inspection.activations.visit import Visit, weight_of
from gpt25.model.gelu_linear import gelu
from gpt25.model.multi_layer_perceptron import MultiLayerPerceptron


class PerceptronStations:
    """The hook on one perceptron's neurons, (batch, time, 4 * channels)."""

    def __init__(self, name: str, perceptron: MultiLayerPerceptron, names: Collection[str], visit: Visit) -> None:
        self._name, self._perceptron, self._visit = f"{name}.neurons", perceptron, visit
        self._is_wanted = self._name in names

    def in_front_of_outputs(self) -> list[RemovableHandle]:
        """The hook that comes before one on the projection's own output."""
        return [self._perceptron.projection.register_forward_hook(self._neurons)] if self._is_wanted else []

    def behind_outputs(self) -> list[RemovableHandle]:
        """None."""
        return []

    def _neurons(self, module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        neurons = gelu(inputs[0])  # (batch, time, 4 * channels)
        edited = self._visit(self._name, neurons)
        if edited is neurons:
            return output
        projection = self._perceptron.projection
        return functional.linear(edited, weight_of(self._name, projection), projection.bias)  # (batch, time, channels)
