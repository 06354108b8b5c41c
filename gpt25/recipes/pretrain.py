"""Train by a configuration: data, trainer, samples, pictures, in one run directory."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from gpt25.data import open_shards
from gpt25.errors import ConfigurationError, GPT25Error
from gpt25.generation import TextGenerator
from gpt25.model import GPTModel
from gpt25.plots import draw_losses, write_report
from gpt25.recipes.people import Advancing, People
from gpt25.recipes.recipe import differences, load_recipe, recipe_text
from gpt25.recipes.run_for_oneself import run_for_oneself
from gpt25.records import RunDirectory
from gpt25.runtime import Ranks, choose_device, choose_precision, describe_machine, use_fast_allocator
from gpt25.storage import write_json, write_text
from gpt25.tokenizer import Tokenizer
from gpt25.training import Trainer, TrainingConfiguration, TrainingHooks

# What may change between two starts of one run without changing what it learns.
_FREE_TO_CHANGE = {
    "batch.micro_batch_rows",
    "data.directory",
    "loop.checkpoint_interval_in_updates",
    "loop.checkpoints_to_keep",
    "loop.compile",
    "loop.device",
    "loop.failed_saves_allowed",
    "loop.non_finite_updates_allowed",
    "loop.record_start",
    "loop.sample_prompt",
    "loop.samples_interval_in_updates",
    "loop.timeout_seconds",
    "loop.validation_interval_in_updates",
}
_SAMPLE_TOKENS = 96


def pretrain(
    configuration: TrainingConfiguration, run_path: str | Path, *, people: People, ranks: Ranks | None = None
) -> RunDirectory:
    """Train from nothing, or go on with the run that `run_path` holds, and leave loss.png and report.html there.

    Raises ConfigurationError where the run was begun with another configuration, StorageError where another process
    holds it, DataError, StorageError and TrainingError as their floors do, Interrupted after a signal once everything
    is saved. Pictures that cannot be drawn are a remark, not an error.
    """
    ranks = ranks or Ranks()
    run = RunDirectory(run_path)
    require_same_run(run, configuration)
    with run_for_oneself(run, ranks):
        try:
            train_run(run, configuration, people=people, ranks=ranks)
        finally:
            if ranks.is_first:
                draw(run, people)
    return run


def train_run(run: RunDirectory, configuration: TrainingConfiguration, *, people: People, ranks: Ranks) -> None:
    """What `pretrain` does between taking the run for itself and drawing its pictures."""
    use_fast_allocator()
    device = choose_device(configuration.loop.device)
    ranks.connect(device, timeout_seconds=configuration.loop.timeout_seconds)
    try:
        tokenizer = _tokenizer_of(configuration)
        train_shards = open_shards(configuration.data.directory, "train", tokenizer=tokenizer)
        validation_shards = open_shards(configuration.data.directory, "validation", tokenizer=tokenizer)
        _require_fitting(configuration, tokenizer)
        _require_room_for_prompt(configuration, tokenizer)
        if ranks.is_first:
            write_text(run.recipe_path, recipe_text(configuration))
            write_json(run.environment_path, {**describe_machine(), "number_of_ranks": ranks.number_of_ranks})
        with ExitStack() as stack:
            trainer = Trainer(
                configuration,
                run=run,
                train_shards=train_shards,
                validation_shards=validation_shards,
                tokenizer=tokenizer,
                ranks=ranks,
                hooks=_hooks(configuration, run, tokenizer, people, stack),
            )
            trainer.train()
    finally:
        ranks.disconnect()


def require_same_run(run: RunDirectory, configuration: TrainingConfiguration) -> None:
    """Raise ConfigurationError where the run directory was begun with a configuration that learns something else."""
    if not run.recipe_path.is_file():
        return
    begun = load_recipe(run.recipe_path)
    changed = {
        name: values for name, values in differences(configuration, begun).items() if name not in _FREE_TO_CHANGE
    }
    if changed:
        listing = "; ".join(f"{name}: {now!r} now, {before!r} then" for name, (now, before) in sorted(changed.items()))
        raise ConfigurationError(
            f"{run.path} holds a run with another configuration ({listing}). "
            "Choose another --run directory, or give the old values to go on."
        )


def _tokenizer_of(configuration: TrainingConfiguration) -> Tokenizer:
    """The tokenizer that the recipe names, or the one that lies beside the shards."""
    data = configuration.data
    return Tokenizer.from_word(data.tokenizer) if data.tokenizer else Tokenizer.from_word(Path(data.directory))


def _require_fitting(configuration: TrainingConfiguration, tokenizer: Tokenizer) -> None:
    if tokenizer.vocabulary_size != configuration.model.vocabulary_size:
        raise ConfigurationError(
            f"the data's tokenizer {tokenizer.name} has {tokenizer.vocabulary_size:,} tokens, the recipe's "
            f"model.vocabulary_size is {configuration.model.vocabulary_size:,}; they must be equal."
        )


def _require_room_for_prompt(configuration: TrainingConfiguration, tokenizer: Tokenizer) -> None:
    """Find out now, rather than at the first sample, that the prompt is longer than the model's view."""
    block_size = configuration.model.block_size
    prompt_tokens = len(tokenizer.encode(configuration.loop.sample_prompt))
    if prompt_tokens >= block_size:
        raise ConfigurationError(
            f"loop.sample_prompt has {prompt_tokens:,} tokens; with model.block_size {block_size:,}, at most "
            f"{block_size - 1:,} leave room for a sample."
        )


def _hooks(
    configuration: TrainingConfiguration, run: RunDirectory, tokenizer: Tokenizer, people: People, stack: ExitStack
) -> TrainingHooks:
    """What people see while the model trains: a bar, samples, remarks."""
    progress: list[Advancing] = []

    def on_start(done: int, total: int) -> None:
        device = choose_device(configuration.loop.device)
        precision = choose_precision(device, configuration.loop.precision)
        if done:
            people.say(f"going on after update {done:,} of {total:,}")
        people.note(f"training on {device} in {precision.name}: {precision.reason}")
        progress.append(stack.enter_context(people.progress("training", total - done, "updates")))

    def on_update(row: dict[str, Any]) -> None:
        fields = {"loss": row["training_loss"], "tokens_per_second": row["tokens_per_second"]}
        if "validation_loss" in row:
            fields["validation_loss"] = row["validation_loss"]
        progress[0].advance(1, **fields)

    return TrainingHooks(
        on_start=on_start,
        on_update=on_update,
        on_samples=sampling_hook(configuration, run, tokenizer, people),
        on_message=people.note,
    )


def sampling_hook(
    configuration: TrainingConfiguration, run: RunDirectory, tokenizer: Tokenizer, people: People
) -> Callable[[GPTModel, int, int], None]:
    """A hook that lets the model continue the recipe's prompt, shows the text and keeps it in samples.jsonl."""

    def write_sample(model: GPTModel, update: int, tokens: int) -> None:
        prompt = configuration.loop.sample_prompt
        generator = TextGenerator(model, tokenizer)
        room = configuration.model.block_size - len(generator.prompt_ids(prompt))
        (sample,) = generator.generate(prompt, max_new_tokens=min(_SAMPLE_TOKENS, room), seed=update, top_k=50)
        run.append_sample({"update": update, "tokens": tokens, "prompt": prompt, "text": sample.text})
        people.say(f"\n--- a sample after update {update:,} ---\n{prompt}{sample.text}\n")

    return write_sample


def draw(run: RunDirectory, people: People) -> None:
    """Bring loss.png and report.html up to date, where there is anything to draw."""
    try:
        if run.metrics():
            draw_losses([run], run.loss_picture_path)
            write_report(run, run.report_path)
    except GPT25Error as problem:  # must not hide how training itself ended
        people.note(f"the pictures of {run.path} could not be drawn: {problem}")
