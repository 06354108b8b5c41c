"""What a run costs beside its updates, line by line: time, money, and what each line assumes.

`gpt25 plan` adds the lines of a training run; whoever plans more, such as a reproduction with its scores, adds lines of
`evaluation_cost` and `download_cost` to them.
"""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

from gpt25.counted import counted
from gpt25.plots.measures.published_lines import HELLASWAG_ITEMS
from gpt25.recipes.hooks.sampling_hook import SAMPLE_TOKENS
from gpt25.recipes.planning.hardware import Hardware
from gpt25.recipes.planning.memory_plan import memory_parts
from gpt25.recipes.run.run_data import TOKENS_PER_PUBLIC_SHARD, number_of_public_shards
from gpt25.storage import exists
from gpt25.training import TrainingConfiguration

SET_UP_SECONDS = 300.0  # a rented machine that starts, and pip that installs torch's 3 GB
START_SECONDS = 30.0  # Python, the shards, the weights on the device
COMPILE_SECONDS_A_LAYER = 5.0  # of one shape; Inductor's kernels for the forward and the backward pass
DOWNLOAD_BYTES_PER_SECOND = 50e6
DISK_BYTES_PER_SECOND = 500e6
FORWARD_SHARE = 1 / 3  # of training's operations: the backward pass takes two thirds
UNCOMPILED_SLOWDOWN = 2.0  # samples and scores are not compiled
SECONDS_A_SAMPLED_TOKEN = 0.01  # the launches of a dozen layers
TOKENS_A_CHOICE = 100  # of HellaSwag: context and ending
_BYTES_A_TOKEN = 2
_GPT2_VOCABULARY = 50_257


@dataclasses.dataclass(frozen=True)
class Cost:
    """One line of a plan."""

    name: str
    hours: float
    money: float | None
    """None where no price is known."""
    assumption: str
    """What the hours rest on."""


def cost(name: str, seconds: float, assumption: str, price_per_hour: float | None) -> Cost:
    """A line of so many seconds at the machine's price."""
    hours = seconds / 3600
    return Cost(name, hours, None if price_per_hour is None else hours * price_per_hour, assumption)


def total_hours(costs: Sequence[Cost]) -> float:
    """The sum of the lines' hours."""
    return sum(each.hours for each in costs)


def total_money(costs: Sequence[Cost]) -> float | None:
    """The sum of the lines' money; None where no price is known."""
    amounts = [each.money for each in costs]
    return None if None in amounts else sum(each for each in amounts if each is not None)


def download_cost(name: str, number_of_bytes: float, price_per_hour: float | None) -> Cost:
    """A line for fetching so many bytes."""
    rate = f"{number_of_bytes / 1e9:.1f} GB at {DOWNLOAD_BYTES_PER_SECOND / 1e6:.0f} MB/s, assumed"
    return cost(name, number_of_bytes / DOWNLOAD_BYTES_PER_SECOND, rate, price_per_hour)


def evaluation_cost(name: str, tokens: float, tokens_per_second: float, price_per_hour: float | None) -> Cost:
    """A line for scoring so many tokens, uncompiled; tokens_per_second is training's, of all GPUs."""
    words = (
        f"{tokens / 1e6:,.3g} million tokens, a forward pass each at {1 / UNCOMPILED_SLOWDOWN:.0%} of training's rate"
    )
    return cost(name, tokens * FORWARD_SHARE * UNCOMPILED_SLOWDOWN / tokens_per_second, words, price_per_hour)


def run_costs(
    configuration: TrainingConfiguration, hardware: Hardware, *, gpus: int, price_per_hour: float | None
) -> list[Cost]:
    """The lines of a training run on so many GPUs, in the order in which they fall due."""
    rate = hardware.tokens_per_second * gpus
    lines = [_set_up(hardware, price_per_hour)]
    if (fetched := _bytes_to_fetch(configuration, hardware)) is not None:
        lines.append(download_cost("fetching", fetched, price_per_hour))
    if hardware.compiles:
        lines.append(_compilation(configuration, gpus, price_per_hour))
    by = "as measured" if hardware.measured else "by the table's rate and MFU"
    tokens = configuration.total_tokens
    lines.append(cost("training", tokens / rate, f"{tokens:,} tokens at {rate:,.0f} tokens/s, {by}", price_per_hour))
    return [*lines, *_on_the_way(configuration, rate, price_per_hour)]


def _set_up(hardware: Hardware, price_per_hour: float | None) -> Cost:
    seconds = START_SECONDS + (0.0 if hardware.measured else SET_UP_SECONDS)
    words = f"Python, shards and weights {START_SECONDS:.0f} s"
    if not hardware.measured:
        words = f"the machine starts and installs torch, {SET_UP_SECONDS:.0f} s; {words}"
    return cost("set-up", seconds, f"{words}, assumed", price_per_hour)


def _bytes_to_fetch(configuration: TrainingConfiguration, hardware: Hardware) -> float | None:
    """Of the public shards that a run reads, and one to validate on; None where it reads none, or has them here."""
    directory = configuration.data.directory
    if directory is None or configuration.model.vocabulary_size != _GPT2_VOCABULARY:
        return None
    if hardware.measured and exists(Path(directory)):
        return None
    return (number_of_public_shards(configuration) + 1) * TOKENS_PER_PUBLIC_SHARD * _BYTES_A_TOKEN


def _compilation(configuration: TrainingConfiguration, gpus: int, price_per_hour: float | None) -> Cost:
    """Every length of sequence in every size of update, and validation's; blocks share one piece of code."""
    batch, region = configuration.batch, configuration.speed.compile_region
    shapes = len(configuration.update_sizes.all_rows) * (1 + len(batch.short_sequences)) + 1
    whole = region == "model" or (region == "auto" and gpus == 1)
    layers = configuration.model.number_of_layers if whole else 1
    words = f"{counted(shapes, 'shapes')} x {counted(layers, 'layers')} x {COMPILE_SECONDS_A_LAYER:.0f} s, assumed"
    return cost("compilation", shapes * layers * COMPILE_SECONDS_A_LAYER, words, price_per_hour)


def _on_the_way(configuration: TrainingConfiguration, rate: float, price_per_hour: float | None) -> list[Cost]:
    """What interrupts the updates; rate: training's tokens a second, of all GPUs."""
    loop, hellaswag = configuration.loop, configuration.hellaswag
    start = 1 if loop.record_start else 0
    validations = _times(configuration, loop.validation_interval_in_updates) + start
    validations += 1 if loop.average_last_fraction > 0 else 0  # at the end, of the last weights and of their mean
    tokens = configuration.data.validation_tokens
    lines = [
        cost(
            "validation",
            validations * tokens * FORWARD_SHARE / rate,
            f"{validations:,} x {tokens:,} tokens, a forward pass each, a third of an update's work",
            price_per_hour,
        )
    ]
    if hellaswag.interval_in_updates is not None:
        times = _times(configuration, hellaswag.interval_in_updates)
        items = min(hellaswag.limit or HELLASWAG_ITEMS, HELLASWAG_ITEMS)
        scored = evaluation_cost("HellaSwag", times * items * 4 * TOKENS_A_CHOICE, rate, price_per_hour)
        words = f"{times:,} x {items:,} items x 4 endings of {TOKENS_A_CHOICE} tokens, assumed; {scored.assumption}"
        lines.append(dataclasses.replace(scored, assumption=words))
    samples = _times(configuration, loop.samples_interval_in_updates) + start
    each = SAMPLE_TOKENS * SECONDS_A_SAMPLED_TOKEN * configuration.model.number_of_layers / 12
    lines.append(cost("samples", samples * each, f"{samples:,} x {each:.1f} s, assumed", price_per_hour))
    checkpoints = _times(configuration, loop.checkpoint_interval_in_updates) + start
    size = checkpoint_bytes(configuration)
    words = f"{checkpoints:,} x {size / 1e9:.2g} GB at {DISK_BYTES_PER_SECOND / 1e6:.0f} MB/s, assumed"
    lines.append(cost("checkpoints", checkpoints * size / DISK_BYTES_PER_SECOND, words, price_per_hour))
    return lines


def _times(configuration: TrainingConfiguration, interval: int) -> int:
    """How often something falls due that is done every so many updates, and at the end."""
    return math.ceil(configuration.loop.number_of_updates / interval)


def checkpoint_bytes(configuration: TrainingConfiguration) -> int:
    """A checkpoint holds the weights, the optimizer's state, and the average of the weights where there is one."""
    kept = ("weights", "optimizer", "average")
    return sum(part.number_of_bytes for part in memory_parts(configuration, 1) if part.name in kept)
