"""The main job, offline: own texts or Python's library → vocabulary → shards → a small GPT-2 → samples, report."""

import bz2
import dataclasses
import gzip
import lzma
import math
from collections.abc import Sequence
from pathlib import Path

from gpt25.counted import counted
from gpt25.data import (
    Document,
    PreparedData,
    ReadingSettings,
    open_shards,
    prepare,
    read_prepared_data,
    standard_library_documents,
)
from gpt25.errors import ConfigurationError
from gpt25.evaluation import ContinuationScorer, windows
from gpt25.generation import TextGenerator
from gpt25.model import Accounting
from gpt25.recipes.length import with_length
from gpt25.recipes.own_texts import on_own_texts, ready_own_texts, require_same_texts
from gpt25.recipes.pretrain import train_run
from gpt25.recipes.recipe import load_recipe
from gpt25.recipes.reporter import Reporter
from gpt25.recipes.run.run_lock import run_lock
from gpt25.recipes.run.run_report import draw_run
from gpt25.recipes.run.run_setup import RunSetup, record_setup, set_up_run
from gpt25.recipes.run.text_beginnings import text_beginnings
from gpt25.recipes.run.vocabulary import learn_vocabulary
from gpt25.records import RunDirectory, Summary, in_this_shell, last_validation_tokens, offered_command
from gpt25.runtime import Ranks, use_fast_allocator
from gpt25.storage import atomic_directory, is_file
from gpt25.storage.paths.storage_error import shown
from gpt25.tokenizer import SpecialTokens, Tokenizer
from gpt25.training import HistoryConfiguration, TrainingConfiguration, seconds_per_update
from gpt25.weights import load_pretrained

VALIDATION_FRACTION = 0.1  # 64 of the 731 files of Python 3.11, 1.2 MB
_FEWEST_UPDATES = 10
_MOST_MINUTES = 24 * 60
_TOKENS_PER_BATCH = 8192
_LIBRARY_PROMPTS = ("def main(", "class Handler(", 'def read(self):\n        """')  # enough to show that it is Python
_COMPRESSORS = {
    "gzip -9": lambda text: gzip.compress(text, 9),
    "bz2 -9": lambda text: bz2.compress(text, 9),
    "xz -9": lambda text: lzma.compress(text, preset=9),
}


def quickstart(
    run_path: str | Path,
    *,
    minutes: float,
    reporter: Reporter,
    texts: Sequence[str] = (),
    reading: ReadingSettings | None = None,
    special_tokens: SpecialTokens = "text",
    documents: Sequence[Document] | None = None,
    recipe: TrainingConfiguration | None = None,
) -> Summary:
    """Do whatever of the job `run_path` does not hold yet, and show the result; returns the summary.

    minutes: how long to train; a run that resumes keeps its own length.
    texts: files, folders, globs and all else that `read_documents` reads, by `reading`: the vocabulary, the size of the
    model and the length are then chosen for them and for this machine. None: the standard library of the Python that
    runs, or what the run was begun on. special_tokens: what their names in the texts are.
    documents: the corpus instead of the standard library.
    recipe: the proportions of the run; None takes the packaged recipe "quickstart".

    Every step resumes where an interruption left it. Raises ConfigurationError for minutes out of range,
    StorageError before any work where `run_path` cannot be written or another process holds it, Interrupted after a
    signal.
    """
    if not (math.isfinite(minutes) and 0 < minutes <= _MOST_MINUTES):
        raise ConfigurationError(f"--minutes is {minutes}; it must be above 0 and at most {_MOST_MINUTES}, a day.")
    run = RunDirectory(run_path)
    with run_lock(run, Ranks()):
        try:
            summary = run.read_summary()
            if is_file(run.recipe_path):
                require_same_texts(run, tuple(texts), load_recipe(run.recipe_path))
            # Where `gpt25 train` made the run longer, its own summary lacks what is measured here.
            if summary is not None and summary.finished and summary.bits_per_byte is not None:
                reporter.say(
                    f"{run.path} is done already, and other minutes, flags or files are not looked at;\n"
                    "another --run directory begins anew."
                )
            else:
                use_fast_allocator()
                recipe = recipe or load_recipe("quickstart")
                if texts:
                    recipe = on_own_texts(
                        recipe,
                        tuple(texts),
                        reading,
                        special_tokens=special_tokens,
                        validation_fraction=VALIDATION_FRACTION,
                    )
                setup = _set_up(run, recipe, documents, minutes, reporter)
                train_run(run, setup, reporter=reporter, ranks=Ranks())
                summary = _summarise(run, setup.configuration, reporter)
        finally:
            draw_run(run, reporter)  # also of a run that is done: an interruption may have come before its pictures
        _show_samples(run, reporter)
        _show(run, summary, reporter)
    return summary


def _set_up(
    run: RunDirectory,
    recipe: TrainingConfiguration,
    documents: Sequence[Document] | None,
    minutes: float,
    reporter: Reporter,
) -> RunSetup:
    """All that a trainer is made of: on the recipe's texts or on the documents, or as the run has begun already."""
    begun = load_recipe(run.recipe_path) if is_file(run.recipe_path) else None
    if begun is not None and (begun.data.texts or begun.history.begun_by is None):
        return set_up_run(run, begun, reporter=reporter)
    if recipe.data.texts:
        return record_setup(run, ready_own_texts(run, recipe, minutes, reporter), initial=None, reporter=reporter)
    data = _prepare(run, _corpus(documents, reporter), recipe, reporter)
    return set_up_run(run, _configuration(run, data, recipe, minutes, reporter), reporter=reporter)


def _corpus(documents: Sequence[Document] | None, reporter: Reporter) -> Sequence[Document]:
    corpus = list(standard_library_documents()) if documents is None else documents
    name = "Python's standard library" if documents is None else "documents"
    reporter.say(f"corpus: {name}, {counted(len(corpus), 'files')}, {_size(corpus) / 1e6:.1f} MB")
    return corpus


def _size(corpus: Sequence[Document]) -> int:
    return sum(len(document.content) for document in corpus)


def _prepare(
    run: RunDirectory, corpus: Sequence[Document], recipe: TrainingConfiguration, reporter: Reporter
) -> PreparedData:
    """The corpus as the run's token shards, encoded with a vocabulary learned from its training part."""
    tokenizer = _tokenizer(run.tokenizer_path, corpus, recipe.model.vocabulary_size, reporter)
    with reporter.progress("encoding", _size(corpus), "bytes") as progress:
        data = prepare(
            corpus,
            tokenizer,
            run.data_path,
            validation_fraction=VALIDATION_FRACTION,
            split_rule="content",  # by which the vocabulary was learned without the held-out files
            progress=progress.advance,
        )
    reporter.say(
        f"tokens: {data.train.tokens:,} to train on, {data.validation.tokens:,} held out "
        f"({counted(data.validation.documents, 'files')}, {data.validation.bytes / data.validation.tokens:.2f} bytes "
        "per token)"
    )
    return data


def _tokenizer(directory: Path, corpus: Sequence[Document], vocabulary_size: int, reporter: Reporter) -> Tokenizer:
    """The vocabulary, learned once; the held-out files play no part in it."""
    if Tokenizer.is_in(directory):
        return Tokenizer.load(directory)
    reporter.say(f"learning a vocabulary of {vocabulary_size:,} tokens from it")
    tokenizer = learn_vocabulary(corpus, vocabulary_size=vocabulary_size, validation_fraction=VALIDATION_FRACTION)
    with atomic_directory(directory) as temporary:
        tokenizer.save(temporary)
    return tokenizer


def _configuration(
    run: RunDirectory, data: PreparedData, recipe: TrainingConfiguration, minutes: float, reporter: Reporter
) -> TrainingConfiguration:
    """The run's own configuration where it resumes; else the recipe with as many updates as fit the minutes."""
    resumes = is_file(run.recipe_path)
    recipe = load_recipe(run.recipe_path) if resumes else recipe
    # The path as it is written today: a relative one of an earlier day may have been read from another place.
    recipe = dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, directory=str(data.directory)))
    if resumes:
        return recipe
    seconds = seconds_per_update(
        recipe,
        run=run,
        train_shards=open_shards(data.directory, "train"),
        validation_shards=open_shards(data.directory, "validation"),
    )
    number_of_updates = max(_FEWEST_UPDATES, round(minutes * 60 / seconds))
    rate = recipe.total_tokens / recipe.loop.number_of_updates / seconds
    reporter.say(
        f"model: {Accounting(recipe.model).parameters / 1e6:.2f} million parameters; "
        f"at {rate:,.0f} tokens/s, {counted(minutes, 'minutes')} are {counted(number_of_updates, 'updates')}"
    )
    prompt = recipe.loop.sample_prompt or _LIBRARY_PROMPTS[0]
    recipe = dataclasses.replace(recipe, loop=dataclasses.replace(recipe.loop, sample_prompt=prompt))
    history = HistoryConfiguration(begun_by="quickstart")
    return dataclasses.replace(with_length(recipe, number_of_updates), history=history)


def _prompts(run: RunDirectory) -> Sequence[str]:
    """What the last samples go on with: beginnings of own texts, or lines that a library of Python might hold."""
    if load_recipe(run.recipe_path).data.texts:
        return text_beginnings(run.data_path, number=len(_LIBRARY_PROMPTS)) or [""]
    return _LIBRARY_PROMPTS


def _summarise(run: RunDirectory, configuration: TrainingConfiguration, reporter: Reporter) -> Summary:
    """Measure the finished model on all held-out text, and the compressors on the same bytes; keep both."""
    data = read_prepared_data(run.data_path)
    last = run.checkpoints()[-1].state()
    loss = _held_out_loss(run, data, reporter)
    tokenizer = Tokenizer.from_word(run.data_path)
    held_out = _held_out_text(data, tokenizer)
    accounting = Accounting(configuration.model)
    summary = Summary(
        title="GPT-2 from scratch on " + ("own text" if configuration.data.texts else "Python's standard library"),
        finished=True,
        model_parameters=accounting.parameters,
        training_operations_per_token=accounting.training_operations_per_token,
        tokens=last["tokens"],
        training_seconds=last["elapsed_seconds"],
        validation_loss=last["metrics"].get("validation_loss"),
        held_out_loss=loss,
        held_out_tokens=data.validation.tokens,
        bits_per_byte=loss / math.log(2) * data.validation.tokens / data.validation.bytes,
        held_out_bytes=len(held_out),
        compressors={name: 8 * len(compress(held_out)) / len(held_out) for name, compress in _COMPRESSORS.items()},
        next_commands=[
            offered_command("gpt25", "generate", run.path, "--prompt", _prompts(run)[0], "--samples", "3"),
            offered_command("gpt25", "show", run.path),
            offered_command("gpt25", "plot", "loss", run.path, "--output", "loss.png"),
        ],
    )
    run.write_summary(summary)
    return summary


def _held_out_loss(run: RunDirectory, data: PreparedData, reporter: Reporter) -> float:
    """Mean nats per token of the newest checkpoint over all held-out tokens.

    Every token behind the first block is read after at least half a block of what stands before it, so the figure does
    not depend on where a window happens to begin; the compressors, too, know what came before.
    """
    model, tokenizer = load_pretrained(run.path)
    assert tokenizer is not None
    shards = open_shards(data.directory, "validation")
    tokens = shards.tokens(0, shards.number_of_tokens).tolist()
    block_size = model.configuration.block_size
    requests = windows(
        tokens, end_of_text_id=tokenizer.end_of_text_id, block_size=block_size, stride=max(1, block_size // 2)
    )
    scorer = ContinuationScorer(model, batch_tokens=_TOKENS_PER_BATCH, open_progress=reporter.progress)
    return -sum(answer.log_likelihood for answer in scorer.answer(requests)) / len(tokens)


def _held_out_text(data: PreparedData, tokenizer: Tokenizer) -> bytes:
    """The held-out files one after the other, as their tokens spell them."""
    shards = open_shards(data.directory, "validation")
    tokens = shards.tokens(0, shards.number_of_tokens)
    return tokenizer.decode_bytes(tokens[tokens != tokenizer.end_of_text_id])


def _show_samples(run: RunDirectory, reporter: Reporter) -> None:
    model, tokenizer = load_pretrained(run.path)
    generator = TextGenerator(model, tokenizer)
    for prompt in _prompts(run):
        length = min(160, model.configuration.block_size - len(generator.prompt_ids(prompt)))
        (sample,) = generator.generate(prompt, max_new_tokens=length, temperature=0.8, top_k=50, seed=1)
        reporter.say(f"\n--- it continues {prompt!r} ---\n{prompt}{sample.text}")


def _show(run: RunDirectory, summary: Summary, reporter: Reporter) -> None:
    """The figures in a few lines, the pictures' places, and what to try next."""
    others = ", ".join(f"{name} {bits:.3f}" for name, bits in summary.compressors.items())
    reporter.say(
        f"\n{summary.model_parameters:,} parameters, {summary.tokens:,} tokens, {summary.training_seconds:,.0f} s"
        f"\n{_losses(run, summary)}"
        f"\nheld-out text: {summary.bits_per_byte:.3f} bits per byte (on the same bytes: {others})"
        f"\n\nloss graph: {shown(run.loss_picture_path)}\nreport:     {shown(run.report_path)}\n\nnext:"
    )
    for command in summary.next_commands:
        reporter.say(f"  {in_this_shell(command)}")


def _losses(run: RunDirectory, summary: Summary) -> str:
    """Both losses on held-out text by their names, so that neither is taken for the other."""
    sample = last_validation_tokens(run.metrics())
    lines = []
    if summary.validation_loss is not None:
        of = "" if sample is None else f" (the {sample:,} tokens that training measures on the way)"
        lines.append(f"validation loss: {summary.validation_loss:.4f} nats per token{of}")
    if summary.held_out_loss is not None:
        lines.append(
            f"held-out loss:   {summary.held_out_loss:.4f} nats per token (all {summary.held_out_tokens:,} held-out "
            "tokens)"
        )
    return "\n".join(lines)
