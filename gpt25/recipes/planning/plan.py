"""What a run would take before anything is paid for: memory, time, money, and the loss to expect."""

import dataclasses
from collections.abc import Callable

from gpt25.errors import ConfigurationError
from gpt25.recipes.planning.costs import Cost, run_costs, total_hours, total_money
from gpt25.recipes.planning.hardware import Hardware, hardware_for
from gpt25.recipes.planning.memory_plan import USABLE_FRACTION, MemoryPart, largest_micro_batch, memory_parts
from gpt25.recipes.planning.micro_batch import with_automatic_rows
from gpt25.recipes.planning.projection import Projection, project
from gpt25.recipes.planning.speed_probe import probe_tokens_per_second
from gpt25.records import DEFAULT_CURRENCY, require_currency_with_price
from gpt25.runtime import Ranks
from gpt25.training import TrainingConfiguration
from gpt25.training.configuration.requirements import LARGEST_NUMBER
from gpt25.training.loop.accumulation import most_micro_batch_rows


@dataclasses.dataclass(frozen=True)
class Plan:
    """Everything that `gpt25 plan` says."""

    gpus: int
    hardware: Hardware
    memory: list[MemoryPart]
    """Of one GPU, with `micro_batch_rows`."""
    micro_batch_rows: int
    """The recipe's, or the next smaller number that divides a GPU's rows; what "auto" chooses on this hardware."""
    largest_micro_batch_rows: int | None
    number_of_updates: int
    update_sizes: str
    """Tokens of an update, in words."""
    total_tokens: int
    tokens_per_second: float
    """Of all GPUs together; what the exchange between them costs is not counted with a probe."""
    hours: float
    """Of training alone."""
    price_per_hour: float | None
    """Of all GPUs together, as given or as the recipe's track says; None where neither does."""
    currency: str
    """Of the price and of the money."""
    money: float | None
    """Of training alone; None where no price is known."""
    costs: list[Cost]
    """What the run takes line by line, training among the lines."""
    total_hours: float
    total_money: float | None
    projection: Projection
    """Of the loss on FineWeb after the last update."""

    @property
    def needed_bytes(self) -> int:
        """The sum of the memory's parts."""
        return sum(part.number_of_bytes for part in self.memory)


def plan(
    configuration: TrainingConfiguration,
    *,
    gpus: int = 1,
    price_per_hour: float | None = None,
    currency: str | None = None,
    gpu: str | None = None,
    probe: Callable[..., float] = probe_tokens_per_second,
) -> Plan:
    """Plan a run on `gpus` GPUs that cost `price_per_hour` together, by default what the recipe's track says.

    currency: of the given price, US dollars by default. gpu: as `hardware_for` has it. Raises ConfigurationError for a
    number of GPUs or a price out of range, an unknown GPU, and a currency without a price.
    """
    sizes = configuration.update_sizes
    for rows in sizes.all_rows:
        if gpus < 1 or rows % gpus:
            raise ConfigurationError(
                f"--gpus is {gpus}; it must be 1 or more and divide the {rows:,} rows of an update evenly. Choose "
                f"another number of GPUs, or change {sizes.key_of(rows)} in the recipe."
            )
    if price_per_hour is not None and not 0 <= price_per_hour <= LARGEST_NUMBER:
        raise ConfigurationError(
            f"--price-per-hour is {price_per_hour}; give what all GPUs together cost in an hour, 0 to "
            f"{LARGEST_NUMBER:,.0f}."
        )
    require_currency_with_price(currency, price_per_hour)
    track = configuration.track
    price = track.price_per_hour if price_per_hour is None else price_per_hour
    currency = track.currency if price_per_hour is None else currency or DEFAULT_CURRENCY
    hardware = hardware_for(configuration, gpu, gpus, probe)
    rate = hardware.tokens_per_second * gpus
    hours = configuration.total_tokens / rate / 3600
    usable = hardware.usable_bytes
    sized = with_automatic_rows(configuration, gpus=gpus, usable_bytes=usable, precision=hardware.precision)
    rows = most_micro_batch_rows(sized, Ranks(number_of_ranks=gpus))
    largest = None
    if hardware.memory_bytes is not None:
        room = int(hardware.memory_bytes * USABLE_FRACTION)
        largest = largest_micro_batch(configuration, gpus=gpus, usable_bytes=room, precision=hardware.precision)
    costs = run_costs(configuration, hardware, gpus=gpus, price_per_hour=price)
    return Plan(
        gpus=gpus,
        hardware=hardware,
        memory=memory_parts(configuration, rows, gpus=gpus, precision=hardware.precision),
        micro_batch_rows=rows,
        largest_micro_batch_rows=largest,
        number_of_updates=configuration.loop.number_of_updates,
        update_sizes=str(sizes),
        total_tokens=configuration.total_tokens,
        tokens_per_second=rate,
        hours=hours,
        price_per_hour=price,
        currency=currency,
        money=None if price is None else hours * price,
        costs=costs,
        total_hours=total_hours(costs),
        total_money=total_money(costs),
        projection=project(configuration, rate),
    )
