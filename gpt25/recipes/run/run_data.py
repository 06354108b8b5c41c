"""The token shards of a run: those that it names, or its texts made into shards inside its directory."""

import math
from pathlib import Path

from gpt25.data import INDEX_NAME, DocumentReader, PreparedData, notices, prepare, read_documents
from gpt25.errors import DataError
from gpt25.recipes.reporter import Reporter
from gpt25.records import RunDirectory, in_this_shell, offered_command
from gpt25.storage import exists, is_file
from gpt25.tokenizer import Tokenizer
from gpt25.training import DataConfiguration, TrainingConfiguration

_STANDARD_LIBRARY = "standard-library"
_GPT2_VOCABULARY = 50_257
TOKENS_PER_PUBLIC_SHARD = 100_000_000


def run_data(run: RunDirectory, data: DataConfiguration) -> Path:
    """Where the run's shards are, or will be once its texts are prepared."""
    return run.data_path if data.directory is None else Path(data.directory)


def number_of_public_shards(configuration: TrainingConfiguration) -> int:
    """As many training shards of the public sets as a run reads: 5,000,134,656 tokens -> 51."""
    return math.ceil((configuration.total_tokens + 1) / TOKENS_PER_PUBLIC_SHARD)


def require_data(run: RunDirectory, configuration: TrainingConfiguration) -> None:
    """Raise DataError, with the command that fetches what the run reads, where its shards are not there at all."""
    directory = run_data(run, configuration.data)
    if exists(directory) or configuration.model.vocabulary_size != _GPT2_VOCABULARY:
        return
    shards = str(number_of_public_shards(configuration))
    command = in_this_shell(
        offered_command("gpt25", "data", "fetch", "fineweb10B", "--output", directory, "--shards", shards)
    )
    raise DataError(
        f"there is no {directory}, where the run's token shards should be. This fetches what it reads: {command}. "
        "Or name others with --data.directory."
    )


def texts_of_run(
    run: RunDirectory, data: DataConfiguration, *, previous: DataConfiguration | None
) -> DocumentReader | None:
    """The texts that have yet to become the run's shards; None where it names shards or has made them already.

    previous: what the run started with; texts of the same names are then not read again. Raises DataError and
    StorageError as reading does.
    """
    if data.directory is not None:
        return None
    if previous is not None and previous.texts == data.texts and is_file(run.data_path / INDEX_NAME):
        return None
    return read_documents(data.texts or (_STANDARD_LIBRARY,), **vars(data.reading), output=run.path)


def prepare_run_data(
    run: RunDirectory,
    data: DataConfiguration,
    documents: DocumentReader,
    *,
    tokenizer: Tokenizer,
    remake: bool,
    reporter: Reporter,
) -> PreparedData:
    """Make token shards of the run's texts in its directory.

    remake: whether shards that are there may be replaced, as those of a run that has not started, left by an earlier
    try with other arguments. Raises DataError and StorageError as the data floor does.
    """
    with reporter.progress("encoding", documents.source_bytes, "bytes") as progress:
        prepared = prepare(
            documents,
            tokenizer,
            run.data_path,
            validation_fraction=data.validation_fraction,
            special_tokens=data.special_tokens,
            remake=remake,
            progress=progress.advance,
        )
    for notice in notices(prepared, documents.left_out):
        reporter.note(notice)
    reporter.say(f"tokens: {prepared.train.tokens:,} to train on, {prepared.validation.tokens:,} held out")
    return prepared
