"""What a run would take before anything is paid for: memory, tokens/s, hours and money by line, the loss to expect.

A GPU that is here is measured for some twenty seconds; else a table of peak rates and a stated utilisation answer.
"""

import dataclasses
from typing import TYPE_CHECKING

import tyro

from gpt25.cli.output import Output
from gpt25.cli.progress import duration_text
from gpt25.counted import counted
from gpt25.records import price_text

if TYPE_CHECKING:
    from gpt25.recipes.planning.plan import Plan
    from gpt25.recipes.planning.projection import ProjectedCrossing


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arguments:
    """The recipe, and what it should run on."""

    recipe: tyro.conf.Positional[str]
    """A recipe in the package, or the path of a .toml file."""
    gpus: int = 1
    """GPUs that share the run."""
    price_per_hour: float | None = None
    """What all of them together cost in an hour; without it the recipe's track.price_per_hour."""
    currency: str | None = None
    """Of that price: USD if nothing else is said."""
    gpu: str | None = None
    """A GPU, as in "A100 40GB", t4, h200 or rtx4090; here measures this machine, even
    its processor. Left out: the GPU that is here, else h100."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Arguments, output: Output) -> None:
    """Plan, and show the plan."""
    from gpt25.recipes import load_recipe

    recipe = load_recipe(arguments.recipe)
    from gpt25.recipes.planning.plan import plan

    found = plan(
        recipe,
        gpus=arguments.gpus,
        price_per_hour=arguments.price_per_hour,
        currency=arguments.currency,
        gpu=arguments.gpu,
    )
    if not output.json:
        _show(found, output)
    output.result({"recipe": arguments.recipe, **dataclasses.asdict(found), "needed_bytes": found.needed_bytes})


def _gigabytes(number_of_bytes: int) -> str:
    return f"{number_of_bytes / 1e9:.2f} GB"


def _show(found: "Plan", output: Output) -> None:
    parts = [(part.name, _gigabytes(part.number_of_bytes), part.arithmetic) for part in found.memory]
    parts.append(("together", _gigabytes(found.needed_bytes), "by arithmetic, not measured"))
    output.table("Memory of one GPU", ("part", "bytes", "arithmetic"), parts)
    output.say()
    output.table("The run", ("", ""), _rows(found))
    output.say()
    _show_costs(found, output)
    output.say()
    _show_projection(found, output)


def _show_costs(found: "Plan", output: Output) -> None:
    """Time and money line by line, and their sums."""
    rows = [(each.name, duration_text(each.hours * 3600), _money(each.money), each.assumption) for each in found.costs]
    price = "give --price-per-hour, or track.price_per_hour in the recipe"
    if found.price_per_hour is not None:
        price = f"{price_text(found.price_per_hour, found.currency)}; what fails and is repeated is not counted"
    rows.append(("together", duration_text(found.total_hours * 3600), _money(found.total_money), price))
    output.table(f"Time and money, {found.currency}", ("", "time", "money", "by"), rows)


def _money(amount: float | None) -> str:
    return "" if amount is None else f"{amount:,.2f}"


def _show_projection(found: "Plan", output: Output) -> None:
    """The last loss that a run like it may have, or why nobody can tell."""
    projection = found.projection
    if projection.loss is None:
        output.say(f"Projection of the loss: {projection.basis}")
        return
    low, high = projection.loss
    output.say(
        f"Projection, not a measurement: loss {low:.2f} to {high:.2f} on FineWeb at the end, {projection.basis}."
    )
    lines = [(line.model, f"{line.loss:.3f}", _when(line)) for line in projection.crossings]
    output.table("OpenAI's lines on FineWeb, and when they should be crossed", ("model", "loss", "after"), lines)


def _when(line: "ProjectedCrossing") -> str:
    if line.tokens is None or line.hours is None:
        return "not in this run"
    earliest, latest = line.tokens
    return f"{_between(earliest / 1e9, latest / 1e9)} billion tokens, {_between(*line.hours)} hours of training"


def _between(low: float, high: float) -> str:
    """Two figures of two digits: "4.8 to 5.3"; one where both are the same."""
    first, last = (f"{float(f'{value:.2g}'):,g}" for value in (low, high))
    return first if first == last else f"{first} to {last}"


def _rows(found: "Plan") -> list[tuple[str, str]]:
    from gpt25.recipes.planning.memory_plan import USABLE_FRACTION

    hardware, rows = found.hardware, found.largest_micro_batch_rows
    memory = "unknown memory" if hardware.memory_bytes is None else _gigabytes(hardware.memory_bytes)
    return [
        ("hardware", f"{found.gpus} x {hardware.name}, {memory} each"),
        ("micro-batch", f"{counted(found.micro_batch_rows, 'rows')}"),
        (
            "largest micro-batch",
            f"{counted(rows, 'rows')} in {USABLE_FRACTION:.0%} of the memory"
            if rows
            else "not even one row is known to fit",
        ),
        ("tokens/s", f"{found.tokens_per_second:,.0f}"),
        ("by", hardware.source),
        *([("but", hardware.remark)] if hardware.remark else []),
        ("updates", f"{found.number_of_updates:,}, of {found.update_sizes}"),
        ("tokens", f"{found.total_tokens:,}"),
    ]
