"""One run among those that a report compares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpt25.plots.crossings import Crossing, crossing
from gpt25.plots.curves import Point, names_of
from gpt25.plots.published_lines import PublishedLine
from gpt25.plots.run_facts import RunFacts, gather
from gpt25.records import RunDirectory
from gpt25.references.processor_peaks import peak_operations_per_second


@dataclass(frozen=True)
class ComparedRun:
    """What the comparing sections draw from."""

    name: str
    facts: RunFacts
    rows: list[dict[str, Any]]
    recipe: dict[str, Any]
    evaluations: list[dict[str, Any]]
    crossings: list[Crossing]

    def points(self, field: str, *, against: str = "tokens", unit: float = 1.0) -> list[Point]:
        """Finite pairs of two fields of the metrics, the first divided by `unit`."""
        return [
            (row[against] / unit, float(row[field]))
            for row in self.rows
            if _is_number(row.get(against)) and _is_number(row.get(field))
        ]

    @property
    def parameters(self) -> int | None:
        """Weights, by summary.json."""
        return self.facts.summary.model_parameters

    @property
    def utilisation_per_token(self) -> float | None:
        """The share of the GPUs' peak that one token a second takes; None for other machines or unknown models.

        6 operations per parameter and token, and 12 x layers x channels x positions for attention (PaLM, appendix B).
        """
        gpus = self.facts.environment.get("gpus")
        model = self.recipe.get("model")
        if not (isinstance(gpus, list) and gpus and isinstance(model, dict) and self.parameters):
            return None
        peak = peak_operations_per_second(str(gpus[0]))
        shape: list[Any] = [
            model.get(name) for name in ("number_of_layers", "number_of_embedding_dimensions", "block_size")
        ]
        if peak is None or not all(isinstance(size, int) for size in shape):
            return None
        ranks = self.facts.environment.get("number_of_ranks", 1)
        return (6 * self.parameters + 12 * shape[0] * shape[1] * shape[2]) / (peak * ranks)


def compared_runs(
    runs: Sequence[RunDirectory], lines: Sequence[PublishedLine], *, price_per_hour: float | None
) -> list[ComparedRun]:
    """Read every run; raises CorruptFileError or StorageError where a file cannot be read."""
    compared = []
    for run, name in zip(runs, names_of(runs), strict=True):
        rows = run.metrics()
        found = [crossing(rows, line, price_per_hour=price_per_hour) for line in lines]
        compared.append(
            ComparedRun(
                name=name,
                facts=gather(run),
                rows=rows,
                recipe=run.recipe(),
                evaluations=run.evaluations(),
                crossings=[each for each in found if each is not None],
            )
        )
    return compared


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value - value == 0
