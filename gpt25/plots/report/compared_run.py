"""One run among those that a report compares."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from gpt25.markup import notebook_table
from gpt25.plots.curves import Point, names_of
from gpt25.plots.measures.loss_measure import LossUnit, loss_measure
from gpt25.plots.measures.published_lines import HELLASWAG, HELLASWAG_ITEMS, PublishedLine
from gpt25.plots.report.crossings import Crossing, crossing
from gpt25.plots.report.run_facts import RunFacts, gather
from gpt25.records import DEFAULT_CURRENCY, RunDirectory, price_text
from gpt25.references.peak_flops import PeakFlops, peak_flops

_LOSSES = ("validation_loss", "training_loss")


@dataclass(frozen=True)
class ComparedRun:
    """What the comparing sections draw from."""

    name: str
    facts: RunFacts
    rows: list[dict[str, Any]]
    recipe: dict[str, Any]
    evaluations: list[dict[str, Any]]
    crossings: list[Crossing]
    price_per_hour: float | None = None
    """Of the machine with all its GPUs: as given, else as the run's recipe says; None in another currency."""
    currency: str = DEFAULT_CURRENCY
    """Of the price, the same for all runs that are compared."""
    other_price: str | None = None
    """The run's own price in another currency, in words."""
    loss_unit: LossUnit = "nats per token"
    """Of all losses that are compared."""
    loss_factor: float = 1.0
    """What turns the run's nats per token into that unit."""

    def points(self, field: str, *, against: str = "tokens", unit: float = 1.0) -> list[Point]:
        """Finite pairs of two fields of the metrics, the first divided by `unit`, losses in `loss_unit`."""
        factor = self.loss_factor if field in _LOSSES else 1.0
        return [
            (row[against] / unit, factor * float(row[field]))
            for row in self.rows
            if is_number(row.get(against)) and is_number(row.get(field))
        ]

    def _repr_html_(self) -> str:
        """In a notebook: the run's figures."""
        summary, last = self.facts.summary, self.points("validation_loss")[-1:]
        rows = [
            ("parameters", summary.model_parameters),
            ("updates", self.facts.last_update),
            ("tokens", self.rows[-1].get("tokens") if self.rows else None),
            ("training loss, smoothed", self.facts.last_training_loss),
            ("validation loss, last", last[0][1] if last else None),
            ("held-out loss", summary.held_out_loss),
            ("bits per byte of held-out text", summary.bits_per_byte),
            ("HellaSwag, acc_norm", self.last_of(HELLASWAG)),
        ]
        return notebook_table(self.name, [row for row in rows if row[1] is not None])

    @property
    def hellaswag_items(self) -> int | None:
        """How many items training itself scored last where those were not all of HellaSwag's."""
        items = [row.get("hellaswag_items") for row in self.rows if is_number(row.get(HELLASWAG))]
        first = [int(number) for number in items if is_number(number) and number < HELLASWAG_ITEMS]
        return first[-1] if first else None

    def hellaswag_rows(self, *, all_items: bool) -> list[dict[str, Any]]:
        """Rows with HellaSwag's figure, by tokens: those of all items, or those of `hellaswag_items`, never mixed.

        Training measured it on the way, or `gpt25 evaluate` scored a checkpoint, which counts where both did.
        """
        own = [row for row in self.rows if is_number(row.get(HELLASWAG))]
        if not all_items:
            number = self.hellaswag_items
            own = [row for row in own if is_number(row.get("tokens"))]
            return [row for row in own if number is not None and row.get("hellaswag_items") == number]
        rows = {row["update"]: row for row in own if _items_of(row) >= HELLASWAG_ITEMS}
        by_update = {row["update"]: row for row in self.rows}
        for each in self.evaluations:
            figure = each["metrics"].get("accuracy_norm")
            is_complete = each.get("limit") is None and (each.get("units") or HELLASWAG_ITEMS) >= HELLASWAG_ITEMS
            if each["task"] == "hellaswag" and is_complete and is_number(figure):
                row = by_update.get(each.get("update"), {})
                tokens = each.get("tokens") or row.get("tokens")
                rows[each.get("update")] = {**row, "tokens": tokens, HELLASWAG: figure}
        return sorted((row for row in rows.values() if is_number(row.get("tokens"))), key=lambda row: row["tokens"])

    def last_of(self, measure: str) -> float | None:
        """The last finite figure of that field, of HellaSwag by all items where there is one."""
        if measure == HELLASWAG:
            rows = self.hellaswag_rows(all_items=True) or self.hellaswag_rows(all_items=False)
            return float(rows[-1][HELLASWAG]) if rows else None
        points = self.points(measure)
        return points[-1][1] if points else None

    @property
    def price_in_words(self) -> str:
        """As in "24 USD an hour for 8 GPUs"; nothing where no price is known."""
        if self.price_per_hour is None:
            return ""
        gpus, ranks = self.facts.environment.get("gpus"), self.facts.environment.get("number_of_ranks")
        number = ranks if gpus and isinstance(ranks, int) else 0
        return price_text(self.price_per_hour, self.currency) + (
            f" for {number:,} GPUs" if number > 1 else " for one GPU" if number else ""
        )

    @property
    def parameters(self) -> int | None:
        """Parameters, by summary.json."""
        return self.facts.summary.model_parameters

    @property
    def _peak(self) -> PeakFlops | None:
        gpus = self.facts.environment.get("gpus")
        peak = peak_flops(str(gpus[0])) if isinstance(gpus, list) and gpus else None
        return peak if peak is not None and peak.precision == "bfloat16" else None

    @property
    def peak_in_words(self) -> str:
        """As in "H100: 990 TFLOP/s (NVIDIA H100 data sheet, …)"; nothing for other machines."""
        peak = self._peak
        return "" if peak is None else f"{peak.name}: {peak.operations_per_second / 1e12:,.0f} TFLOP/s ({peak.source})"

    @property
    def utilisation_per_token(self) -> float | None:
        """The fraction of the GPUs' peak that one token a second takes; None for other machines or unknown models."""
        peak, ranks = self._peak, self.facts.environment.get("number_of_ranks", 1)
        operations = self.facts.summary.training_operations_per_token
        if not (peak and operations and isinstance(ranks, int) and ranks > 0):
            return None
        return operations / (peak.operations_per_second * ranks)


def compared_runs(
    runs: Sequence[RunDirectory],
    lines: Sequence[PublishedLine],
    *,
    price_per_hour: float | None,
    currency: str | None = None,
) -> list[ComparedRun]:
    """Read every run; raises CorruptFileError or StorageError where a file cannot be read.

    price_per_hour, currency: of every run's machine; None takes what each run's recipe says. One axis has one currency:
    that of the first run with a price, and prices in others are only said.
    """
    recipes = [run.recipe() for run in runs]
    given = None if price_per_hour is None else (price_per_hour, currency or DEFAULT_CURRENCY)
    prices = [given or _recorded_price(recipe) for recipe in recipes]
    common = next((own for price, own in prices if price is not None), DEFAULT_CURRENCY)
    measure = loss_measure(runs)
    compared = []
    for run, name, recipe, (price, own), factor in zip(
        runs, names_of(runs), recipes, prices, measure.factors, strict=True
    ):
        rows = run.metrics()
        alone = ComparedRun(
            name=name,
            facts=gather(run, rows),
            rows=rows,
            recipe=recipe,
            evaluations=run.evaluations(),
            crossings=[],
            price_per_hour=price if own == common else None,
            currency=common,
            other_price=None if price is None or own == common else price_text(price, own),
            loss_unit=measure.unit,
            loss_factor=factor,
        )
        found = [_crossing(alone, line) for line in lines]
        compared.append(dataclasses.replace(alone, crossings=[each for each in found if each is not None]))
    return compared


def _items_of(row: dict[str, Any]) -> int:
    """How many items a row's figure of HellaSwag is of: all where the row does not say."""
    items = row.get("hellaswag_items")
    return HELLASWAG_ITEMS if items is None else int(items)


def _crossing(run: ComparedRun, line: PublishedLine) -> Crossing | None:
    """Of HellaSwag by all items where there are such figures, else by the first ones."""
    if line.measure != HELLASWAG:
        return crossing(run.rows, line, price_per_hour=run.price_per_hour, currency=run.currency)
    if rows := run.hellaswag_rows(all_items=True):
        return crossing(rows, line, price_per_hour=run.price_per_hour, currency=run.currency)
    rows = run.hellaswag_rows(all_items=False)
    return crossing(rows, line, price_per_hour=run.price_per_hour, currency=run.currency, items=run.hellaswag_items)


def _recorded_price(recipe: dict[str, Any]) -> tuple[float | None, str]:
    """The price in a run's recipe and its currency."""
    track = recipe.get("track")
    recorded = track if isinstance(track, dict) else {}
    price, currency = recorded.get("price_per_hour"), recorded.get("currency")
    return (
        float(price) if is_number(price) and price > 0 else None,
        currency if isinstance(currency, str) else DEFAULT_CURRENCY,
    )


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value of a JSON file is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value - value == 0
