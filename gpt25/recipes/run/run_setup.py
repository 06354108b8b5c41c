"""What a run begins or goes on with: its resolved configuration, data, tokenizer, and the model that it starts from."""

import dataclasses
from pathlib import Path
from typing import get_args

from gpt25.data import INDEX_NAME, Batches, TokenShards, Validation, open_shards, read_prepared_data
from gpt25.errors import ConfigurationError
from gpt25.evaluation import Examples
from gpt25.model import Accounting, GPTModel
from gpt25.plots import DataSetName
from gpt25.recipes.hooks.hellaswag_hook import hellaswag_examples
from gpt25.recipes.recipe import load_recipe, recipe_text
from gpt25.recipes.reporter import Reporter
from gpt25.recipes.run.epochs import within_epochs
from gpt25.recipes.run.initial_model import InitialModel, initial_model
from gpt25.recipes.run.resume_check import require_resumable
from gpt25.recipes.run.run_data import prepare_run_data, run_data
from gpt25.records import RunDirectory
from gpt25.storage import write_text
from gpt25.tokenizer import Tokenizer
from gpt25.training import TrainingConfiguration


@dataclasses.dataclass(frozen=True)
class RunSetup:
    """Everything that a trainer is made of."""

    configuration: TrainingConfiguration
    tokenizer: Tokenizer
    train_shards: TokenShards
    validation_shards: TokenShards
    initial_model: GPTModel | None
    """None for random weights, and for a run that goes on from its checkpoint."""
    hellaswag: Examples | None = None
    """The items that the model is scored on while it trains, where that is asked for."""


def set_up_run(run: RunDirectory, configuration: TrainingConfiguration, *, reporter: Reporter) -> RunSetup:
    """Find or make all that the run needs and write it down in run.toml: what the first rank does.

    Nothing is written down, and a run that was begun stays as it is, where anything does not fit: raises
    ConfigurationError, DataError, TokenizerError, WeightsError or StorageError.
    """
    begun = load_recipe(run.recipe_path) if run.recipe_path.is_file() else None
    given = initial_model(run, configuration.start, begun)
    if given is not None:
        asked, configuration = configuration, given.adapt(configuration)
        if not run.checkpoints():
            _tell(given, asked, configuration, reporter)
    prepare_run_data(
        run,
        configuration.data,
        tokenizer=_own_tokenizer(configuration, given),
        begun=begun.data if begun else None,
        reporter=reporter,
    )
    _require_known_data_set(configuration)
    setup = _open(run, configuration, given)
    require_resumable(run, setup.configuration)
    _require_enough_tokens(setup)
    write_text(run.recipe_path, recipe_text(setup.configuration))
    return setup


def join_run(run: RunDirectory) -> RunSetup:
    """The same from what the first rank wrote down: what the others do."""
    configuration = load_recipe(run.recipe_path)
    return _open(run, configuration, initial_model(run, configuration.start, configuration))


def _open(run: RunDirectory, configuration: TrainingConfiguration, given: InitialModel | None) -> RunSetup:
    """Open the shards and see that data, tokenizer, model and prompt fit one another."""
    directory = run_data(run, configuration.data)
    tokenizer = _own_tokenizer(configuration, given) or Tokenizer.from_word(directory)
    if given is not None and given.tokenizer is not None:
        _require_data_of(tokenizer, directory, model=str(given.start.model))
    train_shards = open_shards(directory, "train", tokenizer=tokenizer)
    validation_shards = open_shards(directory, "validation", tokenizer=tokenizer)
    _require_fitting(configuration, tokenizer)
    _require_room_for_prompt(configuration, tokenizer)
    return RunSetup(
        within_epochs(configuration, train_shards.number_of_tokens),
        tokenizer,
        train_shards,
        validation_shards,
        given.build(configuration.model) if given else None,
        hellaswag_examples(configuration.hellaswag),
    )


def _own_tokenizer(configuration: TrainingConfiguration, given: InitialModel | None) -> Tokenizer | None:
    """The given model's tokenizer, or the one that the recipe names; None where only the shards can tell."""
    word, own = configuration.data.tokenizer, given.tokenizer if given else None
    named = Tokenizer.from_word(word) if word else None
    if given is not None and own is not None and named is not None and own.fingerprint != named.fingerprint:
        raise ConfigurationError(
            f"data.tokenizer is {word} ({named.fingerprint}), the model {given.start.model} has its own tokenizer "
            f"{own.name} ({own.fingerprint}); a model can only go on with its own. Leave data.tokenizer out."
        )
    return own or named


def _require_data_of(tokenizer: Tokenizer, directory: Path, *, model: str) -> None:
    """Raise ConfigurationError where the index of the shards names another tokenizer than the model's."""
    if not (directory / INDEX_NAME).is_file():
        return
    data = read_prepared_data(directory)
    if data.tokenizer_fingerprint != tokenizer.fingerprint:
        raise ConfigurationError(
            f"the data in {directory} was prepared with the tokenizer {data.tokenizer_name} "
            f"({data.tokenizer_fingerprint}), the model {model} has the tokenizer {tokenizer.name} "
            f"({tokenizer.fingerprint}). Give the texts themselves with --data.texts, or prepare them with the model's "
            "tokenizer."
        )


def _require_fitting(configuration: TrainingConfiguration, tokenizer: Tokenizer) -> None:
    """A model from nothing has as many embeddings as there are tokens; a given one may have spare ones."""
    there, wanted = configuration.model.vocabulary_size, tokenizer.vocabulary_size
    given = configuration.start.model
    if wanted == there or (given is not None and wanted < there):
        return
    if given is not None:
        raise ConfigurationError(
            f"the data's tokenizer {tokenizer.name} has {wanted:,} tokens, the model {given} embeds only {there:,}; "
            "they do not belong together."
        )
    raise ConfigurationError(
        f"the data's tokenizer {tokenizer.name} has {wanted:,} tokens, the recipe's "
        f"model.vocabulary_size is {there:,}; they must be equal."
    )


def _require_enough_tokens(setup: RunSetup) -> None:
    """Raise the DataError that training would, for shards of less than a block, before anything is written down."""
    shape, settings = setup.configuration.model, setup.configuration.loop
    Batches(setup.train_shards, block_size=shape.block_size, seed=settings.seed, vocabulary_size=shape.vocabulary_size)
    Validation(setup.validation_shards, shape.block_size, vocabulary_size=shape.vocabulary_size)


def _require_room_for_prompt(configuration: TrainingConfiguration, tokenizer: Tokenizer) -> None:
    """Find out now, rather than at the first sample, that the prompt is longer than the model's view."""
    block_size = configuration.model.block_size
    prompt_tokens = len(tokenizer.encode(configuration.loop.sample_prompt))
    if prompt_tokens >= block_size:
        raise ConfigurationError(
            f"loop.sample_prompt has {prompt_tokens:,} tokens; with model.block_size {block_size:,}, at most "
            f"{block_size - 1:,} leave room for a sample."
        )


def _require_known_data_set(configuration: TrainingConfiguration) -> None:
    """Find out now, rather than in the report, that there are no published losses of the set."""
    said = configuration.track.data_set
    if said is not None and said not in get_args(DataSetName):
        raise ConfigurationError(
            f"track.data_set is {said!r}; OpenAI's losses are known on {', '.join(get_args(DataSetName))}. Leave it "
            "out for other texts."
        )


def _tell(
    given: InitialModel, asked: TrainingConfiguration, configuration: TrainingConfiguration, reporter: Reporter
) -> None:
    """Say which weights a new run begins with, and what became of their block size and of the batch."""
    parameters, weights = Accounting(given.shape).parameters, str(given.start.weights_sha256)[:12]
    reporter.say(f"starting from {given.start.model}: {parameters:,} parameters, SHA-256 of the weights {weights}…")
    block_size, own = configuration.model.block_size, given.shape.block_size
    if block_size < own:
        reporter.say(f"the model's positions beyond {block_size:,} of {own:,} are cut off, as model.block_size says")
    tokens, wanted = configuration.batch.tokens_per_update, asked.batch.tokens_per_update
    if tokens != wanted:
        reporter.say(f"an update reads {tokens:,} tokens instead of {wanted:,}: rows of {block_size:,}")
