"""What happens to an activation that passes by."""

from collections.abc import Callable

from torch import Tensor, nn

from gpt25.errors import InspectionError

Visit = Callable[[str, Tensor], Tensor]
"""From a name and an activation to what the model goes on with: the very same object where nothing is replaced."""


def weight_of(name: str, layer: nn.Module) -> Tensor:
    """The weights of a linear layer in floating point; InspectionError where they are int8."""
    weight = getattr(layer, "weight", None)
    if not isinstance(weight, Tensor):
        raise InspectionError(f"{name} needs weights in floating point, and this model's are int8; load it in float32.")
    return weight
