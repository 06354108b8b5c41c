"""The quickstart on texts of one's own: their vocabulary and shards, and a size and length for them and the machine."""

import dataclasses

from gpt25.counted import counted
from gpt25.data import PreparedData, ReadingSettings, open_shards, read_documents, read_prepared_data
from gpt25.data.sources.first_names import first_names
from gpt25.errors import ConfigurationError
from gpt25.model import Accounting, GPTConfiguration
from gpt25.recipes.length import with_length
from gpt25.recipes.reporter import Reporter
from gpt25.recipes.run.run_setup import ready_data
from gpt25.recipes.run.text_beginnings import text_beginnings
from gpt25.recipes.run.text_plan import (
    BYTES_PER_TOKEN,
    largest_shape_for,
    shapes_for,
    updates_for,
    vocabulary_size_for,
)
from gpt25.records import RunDirectory, in_this_shell, offered_command
from gpt25.runtime import choose_device, choose_precision, matrix_product_rate
from gpt25.tokenizer import SpecialTokens
from gpt25.training import HistoryConfiguration, TrainingConfiguration, seconds_per_update

_SHARE_OF_MATRIX_RATE = 0.3  # of the rate of large products alone, what an update of a small model comes to


def on_own_texts(
    recipe: TrainingConfiguration,
    texts: tuple[str, ...],
    reading: ReadingSettings | None,
    *,
    special_tokens: SpecialTokens,
    validation_fraction: float,
) -> TrainingConfiguration:
    """The recipe with these texts for its data, read by `reading`, or by what every command reads texts by."""
    data = dataclasses.replace(
        recipe.data,
        directory=None,
        texts=texts,
        validation_fraction=validation_fraction,
        special_tokens=special_tokens,
        **vars(reading or ReadingSettings()),
    )
    return dataclasses.replace(recipe, data=data, history=HistoryConfiguration(begun_by="quickstart"))


def require_same_texts(run: RunDirectory, asked: tuple[str, ...], recorded: TrainingConfiguration) -> None:
    """Raise ConfigurationError where a run that has begun is not on the texts that are named now, or on no texts."""
    if asked and asked != recorded.data.texts:
        held = first_names(recorded.data.texts) or "Python's standard library"
        raise ConfigurationError(
            f"{run.path} holds a run on {held}, not on {first_names(asked)}. Choose another --run directory, or give "
            "the same texts to go on."
        )
    if recorded.data.directory is not None and recorded.history.begun_by is None:
        command = offered_command("gpt25", "train", run.recipe_path, "--run", run.path)
        raise ConfigurationError(
            f"{run.path} holds a run of `gpt25 train` on shards that it did not make. This goes on with it: "
            f"{in_this_shell(command)}. Or choose another --run directory."
        )


def ready_own_texts(
    run: RunDirectory, recipe: TrainingConfiguration, minutes: float, reporter: Reporter
) -> TrainingConfiguration:
    """Make tokenizer and shards of the recipe's texts; the run's configuration, of the size and length that they want.

    Nothing is recorded yet, and what is there already of the same texts is not made again. Raises what `set_up_run`
    does.
    """
    documents = read_documents(recipe.data.texts, **vars(recipe.data.reading), output=run.path)
    smallest = shapes_for(recipe.model)[0]
    read = min(documents.source_bytes, _trained_bytes(recipe, smallest, minutes * 60))
    model = dataclasses.replace(smallest, vocabulary_size=vocabulary_size_for(read))
    recipe = dataclasses.replace(recipe, model=model)
    recipe = ready_data(run, recipe, initial=None, previous=None, reporter=reporter)
    data = read_prepared_data(run.data_path)
    recipe, seconds = _sized(run, recipe, data, minutes * 60)
    number_of_updates = updates_for(
        recipe, seconds=minutes * 60, seconds_per_update=seconds, training_tokens=data.train.tokens
    )
    reporter.say(_size_in_words(recipe, data, minutes=minutes, seconds=seconds, number_of_updates=number_of_updates))
    prompt = next(iter(text_beginnings(run.data_path, number=1)), "")
    recipe = dataclasses.replace(recipe, loop=dataclasses.replace(recipe.loop, sample_prompt=prompt))
    history = HistoryConfiguration(begun_by="quickstart")
    return dataclasses.replace(with_length(recipe, number_of_updates), history=history)


def _trained_bytes(recipe: TrainingConfiguration, shape: GPTConfiguration, seconds: float) -> float:
    """About how many bytes of text this machine trains a model of this shape on in so many seconds."""
    device = choose_device(recipe.loop.device)
    precision = choose_precision(device, recipe.loop.precision)
    rate = _SHARE_OF_MATRIX_RATE * matrix_product_rate(device, precision.dtype)
    return BYTES_PER_TOKEN * rate * seconds / Accounting(shape).training_operations_per_token


def _sized(
    run: RunDirectory, recipe: TrainingConfiguration, data: PreparedData, seconds: float
) -> tuple[TrainingConfiguration, float]:
    """The recipe with the largest shape that time and text are enough for, and the seconds of one of its updates.

    A larger shape keeps a machine busier, so that its own updates are measured before it is settled.
    """
    while True:
        one = seconds_per_update(
            recipe,
            run=run,
            train_shards=open_shards(data.directory, "train"),
            validation_shards=open_shards(data.directory, "validation"),
        )
        tokens_per_second = recipe.total_tokens / recipe.loop.number_of_updates / one
        operations = tokens_per_second * seconds * Accounting(recipe.model).training_operations_per_token
        shape = largest_shape_for(recipe.model, operations=operations, training_tokens=data.train.tokens)
        if Accounting(shape).parameters <= Accounting(recipe.model).parameters:
            return recipe, one
        recipe = dataclasses.replace(recipe, model=shape)


def _size_in_words(
    recipe: TrainingConfiguration, data: PreparedData, *, minutes: float, seconds: float, number_of_updates: int
) -> str:
    """The model's size, and why it has so many updates; seconds: of one of them."""
    tokens_per_update = recipe.total_tokens / recipe.loop.number_of_updates
    rate = tokens_per_update / seconds
    model = f"model: {Accounting(recipe.model).parameters / 1e6:.2f} million parameters; at {rate:,.0f} tokens/s, "
    needed, times = number_of_updates * seconds, number_of_updates * tokens_per_update / data.train.tokens
    if needed < 0.9 * minutes * 60:
        return (
            f"{model}{counted(number_of_updates, 'updates')} read all of the text {counted(round(times), 'times')}, "
            "which takes about "
            f"{needed:,.0f} s; more would be learned by heart"
        )
    return f"{model}{counted(minutes, 'minutes')} are {counted(number_of_updates, 'updates')}"
