"""What a run starts or resumes with: its resolved configuration, data, tokenizer, and the model that it starts from."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from gpt25.data import INDEX_NAME, Batches, TokenShards, open_shards, read_prepared_data
from gpt25.data.sources.first_names import first_names
from gpt25.errors import ConfigurationError
from gpt25.evaluation import Examples
from gpt25.model import Accounting, GPTModel
from gpt25.plots import DataSetName
from gpt25.recipes.hooks.hellaswag_hook import hellaswag_examples
from gpt25.recipes.recipe import load_recipe, recipe_text
from gpt25.recipes.reporter import Reporter
from gpt25.recipes.run.epochs import within_epochs
from gpt25.recipes.run.extension import extend_run, find_extension
from gpt25.recipes.run.initial_model import InitialModel, find_initial_model
from gpt25.recipes.run.resume_check import require_resumable
from gpt25.recipes.run.run_data import prepare_run_data, require_data, run_data, texts_of_run
from gpt25.recipes.run.run_tokenizer import own_tokenizer, run_tokenizer
from gpt25.recipes.run.text_amount import require_enough_text, require_enough_tokens
from gpt25.records import RunDirectory
from gpt25.storage import is_file, write_text
from gpt25.tokenizer import Tokenizer
from gpt25.training import ScheduleConfiguration, TrainingConfiguration


@dataclasses.dataclass(frozen=True)
class RunSetup:
    """Everything that a trainer is made of."""

    configuration: TrainingConfiguration
    tokenizer: Tokenizer
    train_shards: TokenShards
    validation_shards: TokenShards
    initial_model: GPTModel | None
    """None for random weights, and for a run that resumes from its checkpoint."""
    hellaswag: Examples | None = None
    """The items that the model is scored on while it trains, where the configuration wants that."""


OpenShards = Callable[..., TokenShards]


def set_up_run(
    run: RunDirectory,
    configuration: TrainingConfiguration,
    *,
    reporter: Reporter,
    open_data: OpenShards = open_shards,
) -> RunSetup:
    """Find or make all that the run needs and record it in run.toml: what the first rank does.

    open_data: what opens the shards; `open_arriving_shards` those that are still being fetched.

    What does not fit is found before the texts are encoded. Nothing is recorded, and an existing run stays as it is,
    where anything does not fit: raises ConfigurationError, DataError, TokenizerError, WeightsError or StorageError.
    """
    previous = load_recipe(run.recipe_path) if is_file(run.recipe_path) else None
    if previous is not None and _is_of_another_recipe(previous, configuration):
        require_resumable(run, configuration)  # at once: what that recipe reads may not even be here
    initial = find_initial_model(run, configuration.start, previous)
    if initial is not None:
        requested, configuration = configuration, initial.adapt(configuration)
        if not run.checkpoints():
            _report_initial_model(initial, requested, configuration, reporter)
    _require_known_data_set(configuration)
    configuration = ready_data(run, configuration, initial=initial, previous=previous, reporter=reporter)
    return record_setup(run, configuration, initial=initial, reporter=reporter, open_data=open_data)


def _is_of_another_recipe(previous: TrainingConfiguration, configuration: TrainingConfiguration) -> bool:
    """Whether the run is known to have been begun by another recipe than the one that is named now."""
    now, then = configuration.history, previous.history
    return then.begun_by is not None or (None not in (now.recipe, then.recipe) and now.recipe != then.recipe)


def ready_data(
    run: RunDirectory,
    configuration: TrainingConfiguration,
    *,
    initial: InitialModel | None,
    previous: TrainingConfiguration | None,
    reporter: Reporter,
) -> TrainingConfiguration:
    """Find the run's shards, or make them of its texts; the configuration with the vocabulary of their tokenizer.

    previous: what the run started with, None for one that has not started. Raises what `set_up_run` does.
    """
    documents = texts_of_run(run, configuration.data, previous=previous.data if previous else None)
    if documents is None:
        require_data(run, configuration)
    own = run_tokenizer(
        run, configuration, initial=initial, documents=documents, started=previous is not None, reporter=reporter
    )
    tokenizer = own.tokenizer
    asked, configuration = configuration.model.vocabulary_size, _with_vocabulary_of(tokenizer, configuration)
    if configuration.model.vocabulary_size != asked and previous is None:
        found = f"{tokenizer.vocabulary_size:,} tokens, as {tokenizer.name} has"
        reporter.say(f"vocabulary: {found}, instead of the recipe's {asked:,}")
    _require_room_for_prompt(configuration, tokenizer)
    if documents is not None:
        reporter.say(f"texts: {first_names(documents.sources)}; tokenizer: {tokenizer.name}")
        require_enough_text(run, documents, tokenizer, configuration)
        own.keep(run)
        prepare_run_data(
            run, configuration.data, documents, tokenizer=tokenizer, remake=previous is None, reporter=reporter
        )
    return configuration


def record_setup(
    run: RunDirectory,
    configuration: TrainingConfiguration,
    *,
    initial: InitialModel | None,
    reporter: Reporter,
    open_data: OpenShards = open_shards,
) -> RunSetup:
    """Open what `ready_data` found or made, see that the run there is the same one, and record it in run.toml."""
    previous = load_recipe(run.recipe_path) if is_file(run.recipe_path) else None
    setup = _open(run, configuration, initial, open_data)
    configuration = _of_this_length(setup, previous)
    require_resumable(run, configuration)
    require_enough_tokens(
        setup.train_shards.number_of_tokens,
        setup.validation_shards.number_of_tokens,
        configuration,
        where=f"{run_data(run, configuration.data)} has",
        hold_out="a larger validation fraction (prepared shards: into another directory)",
    )
    Batches(setup.train_shards, **configuration.window_order)  # which has rules of its own for groups of shards
    extension = find_extension(run, previous, configuration)
    if extension is not None:
        extend_run(run, extension, reporter=reporter)
        configuration = extension.configuration
    write_text(run.recipe_path, recipe_text(configuration))
    return dataclasses.replace(setup, configuration=configuration)


def _of_this_length(setup: RunSetup, previous: TrainingConfiguration | None) -> TrainingConfiguration:
    """The configuration with as many updates as it has epochs, and with the history of the run that is there.

    A run that is there keeps its warm-up where epochs would scale it with a new length.
    """
    configuration = within_epochs(setup.configuration, setup.train_shards.number_of_tokens)
    if previous is None:
        history = dataclasses.replace(configuration.history, extensions=())
        return dataclasses.replace(configuration, history=history)
    if configuration.loop.number_of_updates == previous.loop.number_of_updates:
        configuration = dataclasses.replace(configuration, history=previous.history)
    if configuration.loop.number_of_epochs is not None:
        configuration = dataclasses.replace(configuration, schedule=_with_warm_up_of(previous, configuration))
    return configuration


def _with_warm_up_of(previous: TrainingConfiguration, configuration: TrainingConfiguration) -> ScheduleConfiguration:
    return dataclasses.replace(configuration.schedule, warm_up_updates=previous.schedule.warm_up_updates)


def join_run(run: RunDirectory, *, open_data: OpenShards = open_shards) -> RunSetup:
    """The same from what the first rank recorded: what the others do."""
    configuration = load_recipe(run.recipe_path)
    return _open(run, configuration, find_initial_model(run, configuration.start, configuration), open_data)


def _open(
    run: RunDirectory, configuration: TrainingConfiguration, initial: InitialModel | None, open_data: OpenShards
) -> RunSetup:
    """Open the shards and see that they were encoded with the tokenizer of the run."""
    directory = run_data(run, configuration.data)
    tokenizer = own_tokenizer(configuration, initial) or Tokenizer.from_word(directory)
    if initial is not None and initial.tokenizer is not None:
        _require_data_encoded_with(tokenizer, directory, model=str(initial.start.model))
    train_shards = open_data(directory, "train", tokenizer=tokenizer)
    validation_shards = open_data(directory, "validation", tokenizer=tokenizer)
    return RunSetup(
        configuration,
        tokenizer,
        train_shards,
        validation_shards,
        initial.build(configuration.model) if initial else None,
        hellaswag_examples(configuration.hellaswag),
    )


def _require_data_encoded_with(tokenizer: Tokenizer, directory: Path, *, model: str) -> None:
    """Raise ConfigurationError where the index of the shards names another tokenizer than the model's."""
    if not is_file(directory / INDEX_NAME):
        return
    data = read_prepared_data(directory)
    if data.tokenizer_fingerprint != tokenizer.fingerprint:
        raise ConfigurationError(
            f"the data in {directory} was prepared with the tokenizer {data.tokenizer_name} "
            f"({data.tokenizer_fingerprint}), the model {model} has the tokenizer {tokenizer.name} "
            f"({tokenizer.fingerprint}). Give the texts themselves with --data.texts, or prepare them with the model's "
            "tokenizer."
        )


def _with_vocabulary_of(tokenizer: Tokenizer, configuration: TrainingConfiguration) -> TrainingConfiguration:
    """The configuration with as many embeddings as there are tokens; an initial model may have padding rows besides.

    Raises ConfigurationError where the initial model has fewer, or the recipe insists on another number.
    """
    embedded, needed = configuration.model.vocabulary_size, tokenizer.vocabulary_size
    initial = configuration.start.model
    if needed == embedded or (initial is not None and needed < embedded):
        return configuration
    if initial is not None:
        raise ConfigurationError(
            f"the data's tokenizer {tokenizer.name} has {needed:,} tokens, the model {initial} embeds only "
            f"{embedded:,}; they do not belong together."
        )
    if configuration.data.vocabulary_size_from == "recipe":
        raise ConfigurationError(
            f"the data's tokenizer {tokenizer.name} has {needed:,} tokens, and the recipe insists on {embedded:,} "
            "(model.vocabulary_size). Name a tokenizer or shards of that many, or take the data's number with "
            "--data.vocabulary-size-from tokenizer."
        )
    return dataclasses.replace(configuration, model=dataclasses.replace(configuration.model, vocabulary_size=needed))


def _require_room_for_prompt(configuration: TrainingConfiguration, tokenizer: Tokenizer) -> None:
    """Find out now, rather than at the first sample, that the prompt is longer than the model's context."""
    block_size = configuration.model.block_size
    prompt_tokens = len(tokenizer.encode(configuration.loop.sample_prompt))
    if prompt_tokens >= block_size:
        raise ConfigurationError(
            f"loop.sample_prompt has {prompt_tokens:,} tokens; with model.block_size {block_size:,}, at most "
            f"{block_size - 1:,} leave room for a sample."
        )


def _require_known_data_set(configuration: TrainingConfiguration) -> None:
    """Find out now, rather than in the report, that there are no published losses of the set."""
    data_set = configuration.track.data_set
    if data_set is not None and data_set not in get_args(DataSetName):
        raise ConfigurationError(
            f"track.data_set is {data_set!r}; OpenAI's losses are known on {', '.join(get_args(DataSetName))}. Leave "
            "it out for other texts."
        )


def _report_initial_model(
    initial: InitialModel, requested: TrainingConfiguration, configuration: TrainingConfiguration, reporter: Reporter
) -> None:
    """Say which weights a new run starts from, and what became of their block size and of the batch."""
    parameters, weights = Accounting(initial.shape).parameters, str(initial.start.weights_sha256)[:12]
    reporter.say(f"starting from {initial.start.model}: {parameters:,} parameters, SHA-256 of the weights {weights}…")
    block_size, own = configuration.model.block_size, initial.shape.block_size
    if block_size < own:
        reporter.say(f"the model's positions beyond {block_size:,} of {own:,} are cut off, as model.block_size says")
    tokens, requested_tokens = configuration.batch.tokens_per_update, requested.batch.tokens_per_update
    if tokens != requested_tokens:
        reporter.say(f"an update reads {tokens:,} tokens instead of {requested_tokens:,}: rows of {block_size:,}")
