"""What a reproduction will do, fetch, take and cost, said before anything is done."""

import statistics
import textwrap
from collections.abc import Sequence

from gpt25.counted import counted
from gpt25.data import PUBLIC_SETS
from gpt25.model import Accounting
from gpt25.recipes.planning.costs import Cost, cost, evaluation_cost, total_hours, total_money
from gpt25.recipes.planning.plan import plan
from gpt25.recipes.reporter import Reporter
from gpt25.recipes.reproduction.reproduction_costs import reproduction_costs, scored_tokens
from gpt25.recipes.reproduction.reproduction_settings import DATA_SETS, ReproductionSettings
from gpt25.recipes.run.run_data import number_of_public_shards
from gpt25.records import RunDirectory, money_text
from gpt25.runtime import Ranks, choose_device
from gpt25.training import TrainingConfiguration
from gpt25.training.checkpoints.checkpoint import most_checkpoints

_COLUMNS = 80
_ROWS_LOOKED_AT = 200


def say_what_it_takes(
    run: RunDirectory,
    settings: ReproductionSettings,
    configuration: TrainingConfiguration,
    ranks: Ranks,
    reporter: Reporter,
    *,
    data_is_here: bool,
) -> None:
    """What will be done, fetched, taken and paid; of a run that has begun, what is left."""
    parameters, tokens = Accounting(configuration.model).parameters, configuration.total_tokens
    if settings.is_trial:
        reporter.say("TRIAL: a small copy on Python's own text against random weights; nothing of it is about OpenAI's")
    reporter.say(
        f"reproduce: {parameters:,} parameters, {tokens:,} tokens in "
        f"{counted(configuration.loop.number_of_updates, 'updates')}, "
        f"against {settings.opponent_name}"
    )
    if settings.is_trial:
        return
    chosen = PUBLIC_SETS[DATA_SETS[settings.data_set]]
    shards = number_of_public_shards(configuration)
    fetched = (shards + 1) * chosen.download_bytes_per_shard / 1e9
    disk = ((shards + 1) * chosen.bytes_per_shard + most_checkpoints(configuration) * 12 * parameters) / 1e9
    reporter.say(
        f"fetch: {shards} training shards and one for validation of {DATA_SETS[settings.data_set]} ({fetched:.1f} GB), "
        f"{settings.opponent}'s weights, HellaSwag and LAMBADA; disk: about {disk:.0f} GB in all"
    )
    reporter.say(f"licence of the text: {chosen.licence}")
    if (left := _what_is_left(run, settings, configuration)) is not None:
        _say_costs(left, settings, reporter)
        return
    if choose_device(configuration.loop.device).type != "cuda":
        reporter.say("time and money: not planned for a processor")
        return
    found = plan(configuration, gpus=ranks.number_of_ranks)
    reporter.say(f"memory: {found.needed_bytes / 1e9:.1f} GB of one GPU; speed: {found.hardware.source}")
    _say_costs(reproduction_costs(found, settings, configuration, data_is_here=data_is_here), settings, reporter)


def _what_is_left(
    run: RunDirectory, settings: ReproductionSettings, configuration: TrainingConfiguration
) -> list[Cost] | None:
    """Lines of a run that has begun, at the speed that it had; None of one that has no updates."""
    rows = run.metrics()
    rates = [row["tokens_per_second"] for row in rows[-_ROWS_LOOKED_AT:] if "tokens_per_second" in row]
    if not rates:
        return None
    rate = statistics.median(rates)
    done, total = rows[-1]["tokens"], configuration.total_tokens
    words = f"{total - done:,} of {total:,} tokens at {rate:,.0f} tokens/s, the median of this run's last updates"
    price = settings.price_per_hour
    return [
        cost("training that is left", (total - done) / rate, words, price),
        evaluation_cost("scores of the result", scored_tokens(settings.data_set), rate, price),
    ]


def _say_costs(costs: Sequence[Cost], settings: ReproductionSettings, reporter: Reporter) -> None:
    """A line for each, with what it rests on, and their sum."""
    money = (
        ""
        if settings.price_per_hour is None
        else f" and money, at {settings.price_per_hour:g} {settings.currency} an hour"
    )
    reporter.say(f"time{money}:")
    for each in costs:
        reporter.say(_wrapped(f"{each.name}: {_amount(each.hours, each.money, settings)}; {each.assumption}"))
    together = _amount(total_hours(costs), total_money(costs), settings)
    reporter.say(_wrapped(f"together: {together}; what fails and is repeated is not counted"))


def _amount(hours: float, money: float | None, settings: ReproductionSettings) -> str:
    time = f"{hours:.2f} h" if hours >= 0.1 else f"{hours * 60:.1f} min"
    return time if money is None else f"{time}, {money_text(money, settings.currency)}"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _COLUMNS, initial_indent="  ", subsequent_indent="    ")
