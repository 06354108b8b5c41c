"""`gpt25 plot differences`: two checkpoints, layer by layer."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from gpt25.cli.output import Output
from gpt25.plots import draw_differences, require_picture_file
from gpt25.weights import require_model

if TYPE_CHECKING:
    from gpt25.inspection import TensorDifference


@dataclass(frozen=True)
class Differences:
    """Draw how two checkpoints of one shape differ: change, direction, norms and singular values, layer by layer."""

    model_a: tyro.conf.Positional[str]
    """The first: a size name, a Hub id, a Hugging Face directory or a run; RUN@500 or RUN@best chooses a checkpoint."""
    model_b: tyro.conf.Positional[str]
    """The second, likewise."""
    output: Path
    """The file to write: .png, .svg, or .html to look at every tensor."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Differences, output: Output) -> None:
    """Load both, compare tensor by tensor, draw, and list the parts."""
    require_picture_file(arguments.output)
    for model in (arguments.model_a, arguments.model_b):
        require_model(model)
    from gpt25.figures.differences import pairs_of
    from gpt25.figures.model_labels import model_labels
    from gpt25.inspection import differences
    from gpt25.weights import load_pretrained

    model_a, _ = load_pretrained(arguments.model_a)
    model_b, _ = load_pretrained(arguments.model_b)
    total = sum(1 for _ in model_a.parameters())
    with output.progress("comparing", total, "tensors") as progress:
        found = differences(model_a, model_b, progress=progress.advance)
    name_a, name_b = model_labels([arguments.model_a, arguments.model_b])
    draw_differences(pairs_of(found), arguments.output, name_a=name_a, name_b=name_b)
    if not output.json:
        columns = ("part", "times", "norm A", "norm B", "relative change", "cosine, smallest")
        output.table(f"A is {arguments.model_a}, B is {arguments.model_b}", columns, _rows(found))
    content = {
        "output": arguments.output,
        "model_a": arguments.model_a,
        "model_b": arguments.model_b,
        "tensors": [_as_json(difference) for difference in found],
    }
    output.result(content, f"The differences are drawn in {arguments.output}.", kept=arguments.output)


def _rows(found: "list[TensorDifference]") -> list[tuple[str, ...]]:
    """A row to each part, all layers of it together."""
    parts: dict[str, list[TensorDifference]] = {}
    for difference in found:
        parts.setdefault(difference.part, []).append(difference)
    rows: list[tuple[str, ...]] = []
    for part, alike in parts.items():
        norm_a = math.hypot(*(difference.norm_a for difference in alike))
        change = math.hypot(*(difference.norm_of_difference for difference in alike))
        cosines = [difference.cosine for difference in alike if not math.isnan(difference.cosine)]
        rows.append(
            (
                part,
                f"×{len(alike)}" if len(alike) > 1 else "",
                f"{norm_a:.4g}",
                f"{math.hypot(*(difference.norm_b for difference in alike)):.4g}",
                f"{change / norm_a:.4g}" if norm_a else "from zero" if change else "0",
                f"{min(cosines):.4f}" if cosines else "none",
            )
        )
    return rows


def _as_json(difference: "TensorDifference") -> dict[str, Any]:
    """Its figures; of the singular values the largest, for all of them are hundreds to a matrix."""
    fields = {
        field.name: getattr(difference, field.name)
        for field in dataclasses.fields(difference)
        if not field.name.startswith("singular_values")
    }
    values_a, values_b = difference.singular_values_a, difference.singular_values_b
    return fields | {
        "relative_change": difference.relative_change,
        "largest_singular_value_a": None if values_a is None else float(values_a[0]),
        "largest_singular_value_b": None if values_b is None else float(values_b[0]),
    }
