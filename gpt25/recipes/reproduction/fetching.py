"""What a reproduction needs from the network, or from the trial's own text."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from gpt25.data import Document, is_fetched
from gpt25.recipes.reporter import Reporter
from gpt25.recipes.reproduction.background_fetch import BackgroundFetch
from gpt25.recipes.reproduction.contest import is_kept
from gpt25.recipes.reproduction.reproduction_settings import DATA_SETS, ReproductionSettings
from gpt25.recipes.reproduction.trial import prepare_trial
from gpt25.recipes.run.run_data import number_of_public_shards
from gpt25.records import RunDirectory
from gpt25.training import TrainingConfiguration
from gpt25.weights import describe_model, resolve_model


def is_data_here(settings: ReproductionSettings, configuration: TrainingConfiguration) -> bool:
    """Whether all shards are there as they were checked; a trial's are made and not fetched."""
    directory, number = Path(str(configuration.data.directory)), number_of_public_shards(configuration)
    return not settings.is_trial and is_fetched(directory, DATA_SETS[settings.data_set], number)


def fetch(
    run: RunDirectory,
    settings: ReproductionSettings,
    configuration: TrainingConfiguration,
    reporter: Reporter,
    documents: Sequence[Document] | None,
    stack: ExitStack,
    *,
    data_is_here: bool,
) -> BackgroundFetch | None:
    """What is needed at once from the network or the trial's own text; what is there stays.

    Training shards that are not there arrive until `stack` is closed, by what is returned; the validation shard is
    there then. An opponent that is no GPT-2 is refused by its config.json or by the headers of its weights, which are
    not loaded.
    """
    if settings.is_trial:
        prepare_trial(run, reporter, documents=documents)
        return None
    if not is_kept(run, settings.opponent_name):
        describe_model(resolve_model(settings.opponent))  # now, rather than when the ranks wait for one another
    directory, name = Path(str(configuration.data.directory)), DATA_SETS[settings.data_set]
    number = number_of_public_shards(configuration)
    if data_is_here:
        reporter.say(f"data: {directory} is as it was when it was checked (`gpt25 data verify` reads every byte)")
        return None
    per_group = configuration.data.shards_per_group
    first = f"the first {per_group}" if per_group is not None and 2 * per_group <= number else "all"
    reporter.say(f"fetching into {directory}: validation now; training begins when {first} of {number} shards are here")
    arrival = stack.enter_context(BackgroundFetch(name, directory, number, note=reporter.note))
    arrival.wait_for_validation()
    return arrival
