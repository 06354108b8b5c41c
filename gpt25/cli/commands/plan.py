"""What a run would take before anything is paid for: memory, tokens/s, hours, money, and the loss to expect.

A GPU that is here is measured for some twenty seconds; else a table of peak rates and a stated utilisation answer.
"""

import dataclasses

import tyro

from gpt25.cli.output import Output
from gpt25.cli.progress import duration_text
from gpt25.recipes import load_recipe
from gpt25.recipes.planning.plan import USABLE_FRACTION, Plan, plan
from gpt25.records import money_text, price_text


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
    found = plan(
        load_recipe(arguments.recipe),
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


def _show(found: Plan, output: Output) -> None:
    parts = [(part.name, _gigabytes(part.number_of_bytes), part.arithmetic) for part in found.memory]
    parts.append(("together", _gigabytes(found.needed_bytes), "by arithmetic, not measured"))
    output.table("Memory of one GPU", ("part", "bytes", "arithmetic"), parts)
    output.say()
    output.table("The run", ("", ""), _rows(found))
    if found.projected_loss is not None:
        output.say()
        output.say(
            f"Projection, not a measurement: loss {found.projected_loss:.2f} on FineWeb at the end, by the AdamW "
            "run of the 124M that the recipe's [track] was drawn from."
        )
        lines = [
            (line.model, f"{line.loss:.3f}", "not in this run" if line.tokens is None or line.hours is None
             else f"{line.tokens / 1e9:.2f} billion tokens, {duration_text(line.hours * 3600)}")
            for line in found.crossings
        ]  # fmt: skip
        output.table("OpenAI's lines on FineWeb, and when they should be crossed", ("model", "loss", "after"), lines)


def _rows(found: Plan) -> list[tuple[str, str]]:
    hardware, rows = found.hardware, found.largest_micro_batch_rows
    money = "give --price-per-hour, or track.price_per_hour in the recipe"
    if found.money is not None and found.price_per_hour is not None:
        money = f"{money_text(found.money, found.currency)} at {price_text(found.price_per_hour, found.currency)}"
    memory = "unknown memory" if hardware.memory_bytes is None else _gigabytes(hardware.memory_bytes)
    return [
        ("hardware", f"{found.gpus} x {hardware.name}, {memory} each"),
        (
            "largest micro-batch",
            f"{rows} rows in {USABLE_FRACTION:.0%} of the memory" if rows else "not even one row is known to fit",
        ),
        ("tokens/s", f"{found.tokens_per_second:,.0f}"),
        ("by", hardware.source),
        *([("but", hardware.remark)] if hardware.remark else []),
        ("updates", f"{found.number_of_updates:,}, of {found.update_sizes}"),
        ("tokens", f"{found.total_tokens:,}"),
        ("time", f"{duration_text(found.hours * 3600)}, without validation and checkpoints"),
        ("money", money),
    ]
