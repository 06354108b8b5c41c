"""The tokenizer of a run: its model's, the one that it names, that of its shards, or one learned from its texts."""

import dataclasses
from pathlib import Path

from gpt25.data import DocumentReader, chosen_split_rule
from gpt25.errors import ConfigurationError, StorageError
from gpt25.recipes.reporter import Reporter
from gpt25.recipes.run.initial_model import InitialModel
from gpt25.recipes.run.run_data import run_data
from gpt25.recipes.run.text_plan import vocabulary_size_for
from gpt25.recipes.run.vocabulary import learn_vocabulary
from gpt25.records import RunDirectory
from gpt25.storage import atomic_directory, is_file, read_record, write_json
from gpt25.tokenizer import Tokenizer
from gpt25.training import TrainingConfiguration

_GPT2_VOCABULARY = 50_257
_RECORD_NAME = "learned_from.json"
_LARGEST_LEARNED_BYTES = 64 << 20  # of more text, the beginning of every document is read


@dataclasses.dataclass(frozen=True)
class LearnedFrom:
    """What a run's own tokenizer was learned from, kept beside it."""

    texts: tuple[str, ...]
    texts_fingerprint: str
    vocabulary_size: int
    """What was asked for; the texts may have had fewer."""
    validation_fraction: float


@dataclasses.dataclass(frozen=True)
class RunTokenizer:
    """The tokenizer of a run, and what it was learned from where that is its own texts and was just done."""

    tokenizer: Tokenizer
    learned_from: LearnedFrom | None = None

    def keep(self, run: RunDirectory) -> None:
        """Write what was just learned into the run, with the record of what it was learned from."""
        if self.learned_from is not None:
            with atomic_directory(run.tokenizer_path) as folder:
                self.tokenizer.save(folder)
                write_json(folder / _RECORD_NAME, dataclasses.asdict(self.learned_from))


def run_tokenizer(
    run: RunDirectory,
    configuration: TrainingConfiguration,
    *,
    initial: InitialModel | None,
    documents: DocumentReader | None,
    started: bool,
    reporter: Reporter,
) -> RunTokenizer:
    """The one tokenizer of a run; learned from `documents` where nothing else names one, and not yet written.

    documents: the run's texts, None where its shards are there. started: whether the run has a recipe of its own: then
    the tokenizer that it learned is not learned again. Raises ConfigurationError and TokenizerError.
    """
    tokenizer = own_tokenizer(configuration, initial)
    if tokenizer is not None:
        return RunTokenizer(tokenizer)
    if documents is None:
        return RunTokenizer(Tokenizer.from_word(run_data(run, configuration.data)))
    if initial is not None:
        raise ConfigurationError(
            "texts need a tokenizer before they can be trained on, and the model has none: name its own with "
            "--data.tokenizer (gpt2, or a directory), or prepared shards with --data.directory."
        )
    insists = configuration.data.vocabulary_size_from == "recipe"
    if insists and configuration.model.vocabulary_size == _GPT2_VOCABULARY:
        return RunTokenizer(Tokenizer.gpt2())
    return _learned_tokenizer(run, configuration, documents, started=started, reporter=reporter)


def own_tokenizer(configuration: TrainingConfiguration, initial: InitialModel | None) -> Tokenizer | None:
    """The initial model's tokenizer, or the one that the recipe names; None where only texts or shards can tell."""
    word, own = configuration.data.tokenizer, initial.tokenizer if initial else None
    named = Tokenizer.from_word(word) if word else None
    if initial is not None and own is not None and named is not None and own.fingerprint != named.fingerprint:
        raise ConfigurationError(
            f"data.tokenizer is {word} ({named.fingerprint}), the model {initial.start.model} has its own tokenizer "
            f"{own.name} ({own.fingerprint}); a model can only go on with its own. Leave data.tokenizer out."
        )
    return own or named


def _learned_tokenizer(
    run: RunDirectory,
    configuration: TrainingConfiguration,
    documents: DocumentReader,
    *,
    started: bool,
    reporter: Reporter,
) -> RunTokenizer:
    """The run's own tokenizer, learned once: of a run that has started never again, else for the same texts."""
    data, size = configuration.data, configuration.model.vocabulary_size
    if data.vocabulary_size_from == "tokenizer":
        size = min(size, vocabulary_size_for(documents.source_bytes))
    wanted = LearnedFrom(documents.sources, documents.fingerprint, size, data.validation_fraction)
    record = run.tokenizer_path / _RECORD_NAME
    if Tokenizer.is_in(run.tokenizer_path) and (started or _is_of(record, wanted)):
        return RunTokenizer(Tokenizer.load(run.tokenizer_path))
    rule, _ = chosen_split_rule(documents, run.data_path)
    reporter.say(f"learning a vocabulary of {size:,} tokens from the texts")
    with reporter.progress("reading", None, "documents") as progress:
        tokenizer = learn_vocabulary(
            documents,
            vocabulary_size=size,
            validation_fraction=data.validation_fraction,
            split_rule=rule,
            share=min(1.0, _LARGEST_LEARNED_BYTES / max(1, documents.source_bytes)),
            if_fewer="take" if data.vocabulary_size_from == "tokenizer" else "refuse",
            progress=progress.advance,
        )
    return RunTokenizer(tokenizer, learned_from=wanted)


def _is_of(record: Path, wanted: LearnedFrom) -> bool:
    """Whether a tokenizer was learned from these very texts; of one without a record, or a damaged one, no."""
    try:
        return is_file(record) and read_record(record, LearnedFrom, more_keys="ignored") == wanted
    except StorageError:
        return False
