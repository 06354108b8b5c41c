"""What a whole reproduction costs, line by line: a plan's lines of its training, and what is done beside it."""

from gpt25.data import PUBLIC_SETS
from gpt25.data.shards.shard_groups import shard_groups
from gpt25.evaluation import find_task
from gpt25.model import PUBLISHED_CONFIGURATIONS, Accounting
from gpt25.plots.measures.published_lines import HELLASWAG_ITEMS
from gpt25.recipes.planning.costs import TOKENS_A_CHOICE, Cost, cost, evaluation_cost
from gpt25.recipes.planning.plan import Plan
from gpt25.recipes.reproduction.arrival_plan import plan_arrival
from gpt25.recipes.reproduction.reproduction_settings import DATA_SETS, ReproductionSettings
from gpt25.recipes.run.run_data import number_of_public_shards
from gpt25.training import TrainingConfiguration

_HELLASWAG_ENDINGS = 4
_LAMBADA_PASSAGES, _TOKENS_A_PASSAGE = 5_153, 100
_BYTES_PER_PARAMETER = 4
_ROWS_BYTES_PER_SECOND = 65e6  # 575 MB in 8.9 s: docs/log/data.md, 2026-11-29
FETCHING = "fetching"


def reproduction_costs(
    found: Plan, settings: ReproductionSettings, configuration: TrainingConfiguration, *, data_is_here: bool
) -> list[Cost]:
    """The plan's lines with fetching as a reproduction does it, both models' scores, and the opponent's weights."""
    price, ours = found.price_per_hour, Accounting(configuration.model)
    theirs = PUBLISHED_CONFIGURATIONS.get(settings.opponent)
    opponent = ours if theirs is None else Accounting(theirs)
    rate = found.tokens_per_second
    their_rate = rate * ours.training_operations_per_token / opponent.training_operations_per_token
    tokens = scored_tokens(settings.data_set)
    scores = evaluation_cost(f"scores of {settings.opponent}", tokens, their_rate, price)
    lines = {each.name: each for each in found.costs}
    weights = opponent.parameters * _BYTES_PER_PARAMETER
    fetching = _fetching(
        found, settings, configuration, weights=weights, opponent_hours=scores.hours, data_is_here=data_is_here
    )
    first = [lines.pop("set-up"), *fetching, scores]
    lines.pop(FETCHING, None)
    return [*first, *lines.values(), evaluation_cost("scores of the result", tokens, rate, price)]


def scored_tokens(data_set: str) -> int:
    """Of the held-out shard, and of HellaSwag's endings and LAMBADA's passages, about 100 each with their contexts."""
    loss = find_task(data_set).number_of_tokens
    assert loss is not None
    return loss + HELLASWAG_ITEMS * _HELLASWAG_ENDINGS * TOKENS_A_CHOICE + _LAMBADA_PASSAGES * _TOKENS_A_PASSAGE


def _fetching(
    found: Plan,
    settings: ReproductionSettings,
    configuration: TrainingConfiguration,
    *,
    weights: float,
    opponent_hours: float,
    data_is_here: bool,
) -> list[Cost]:
    price, per_second = found.price_per_hour, settings.network_megabytes_per_second * 1e6
    by = f"at {per_second / 1e6:g} MB/s (--network-megabytes-per-second)"
    if data_is_here:
        words = f"{settings.opponent}'s weights, {weights / 1e9:.1f} GB {by}; the shards are here"
        return [cost(FETCHING, weights / per_second, words, price)]
    chosen = PUBLIC_SETS[DATA_SETS[settings.data_set]]
    if chosen.rows is not None and per_second > _ROWS_BYTES_PER_SECOND:
        per_second, by = _ROWS_BYTES_PER_SECOND, f"at the {_ROWS_BYTES_PER_SECOND / 1e6:g} MB/s that one core reads"
    each = chosen.download_bytes_per_shard
    number = number_of_public_shards(configuration)
    groups = [len(group) for group in shard_groups(number, configuration.data.shards_per_group)]
    arrival = plan_arrival(
        groups,
        bytes_before=weights + each,
        bytes_per_shard=each,
        bytes_per_second=per_second,
        opponent_seconds=opponent_hours * 3600,
        training_seconds=found.hours * 3600,
    )
    words = f"{settings.opponent}'s weights and the validation shard, {(weights + each) / 1e9:.1f} GB {by}"
    meanwhile = f"{number * each / 1e9:.1f} GB more arrive while the opponent is measured and the model trains"
    groups_in_words = "all of them before it does" if len(groups) == 1 else f"{groups[0]} shards before it does"
    return [
        cost(FETCHING, arrival.before, words, price),
        cost("waiting for shards", arrival.waiting, f"{meanwhile}, {groups_in_words}", price),
    ]
