"""What a reproduction needs from the network, or from the trial's own text."""

from collections.abc import Sequence
from pathlib import Path

from gpt25.data import Document, fetch_shards, is_fetched, list_public_set
from gpt25.recipes.reporter import Reporter
from gpt25.recipes.reproduction.contest import is_kept
from gpt25.recipes.reproduction.reproduction_settings import DATA_SETS, ReproductionSettings
from gpt25.recipes.reproduction.trial import prepare_trial
from gpt25.recipes.run.run_data import number_of_public_shards
from gpt25.records import RunDirectory
from gpt25.training import TrainingConfiguration
from gpt25.weights import describe_model, resolve_model


def fetch(
    run: RunDirectory,
    settings: ReproductionSettings,
    configuration: TrainingConfiguration,
    reporter: Reporter,
    documents: Sequence[Document] | None,
) -> None:
    """Everything that the network or the trial's own text has to give; what is there stays.

    An opponent that is no GPT-2 is refused by its config.json or by the headers of its weights, which are not loaded.
    """
    if settings.is_trial:
        prepare_trial(run, reporter, documents=documents)
        return
    if not is_kept(run, settings.opponent_name):
        describe_model(resolve_model(settings.opponent))  # now, rather than when the ranks wait for one another
    directory, name = Path(str(configuration.data.directory)), DATA_SETS[settings.data_set]
    number = number_of_public_shards(configuration)
    if is_fetched(directory, name, number):
        reporter.say(f"data: {directory} is as it was when it was checked (`gpt25 data verify` reads every byte)")
        return
    listing = list_public_set(name, directory=directory).first(number)
    with reporter.progress("fetching shards", sum(each.download_bytes for each in listing.shards), "bytes") as progress:
        fetch_shards(listing, directory, progress=progress.advance)
