"""How two models of one shape differ."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpt25.figures.model_labels import labels_of_models
from gpt25.figures.opened import AnyModel, opened
from gpt25.inspection import TensorDifference
from gpt25.inspection import differences as tensor_differences
from gpt25.plots import TensorPair, differences_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def differences(
    model_a: AnyModel,
    model_b: AnyModel,
    *,
    names: tuple[str, str] | None = None,
    axes: "Axes | Sequence[Axes] | None" = None,
) -> "Figure":
    """Draw how far the second model's matrices are from the first's: change, direction, norms, singular values.

    axes: one Axes for the relative change alone, or three for change, direction and norms, without singular values.
    Returns the figure. Raises InspectionError where the shapes differ.
    """
    name_a, name_b = labels_of_models([model_a, model_b]) if names is None else names
    found = tensor_differences(opened(model_a).model, opened(model_b).model)
    return differences_figure(pairs_of(found), name_a=name_a, name_b=name_b, axes=axes)


def pairs_of(found: Sequence[TensorDifference]) -> list[TensorPair]:
    """What is drawn of them."""
    return [
        TensorPair(
            name=difference.name,
            part=difference.part,
            layer=difference.layer,
            norm_a=difference.norm_a,
            norm_b=difference.norm_b,
            relative_change=difference.relative_change,
            cosine=difference.cosine,
            spectrum_a=difference.singular_values_a,
            spectrum_b=difference.singular_values_b,
        )
        for difference in found
    ]
