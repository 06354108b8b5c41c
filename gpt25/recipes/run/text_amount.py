"""Whether texts are enough for a model to be trained and validated on, found out before anything is written."""

from gpt25.data import DocumentReader, Split, chosen_split_rule, split_parts
from gpt25.data.sources.first_names import first_names
from gpt25.errors import DataError
from gpt25.records import RunDirectory
from gpt25.tokenizer import Tokenizer
from gpt25.training import TrainingConfiguration

# More text than so many bytes for each token that is needed has enough of them: nobody's tokens are that long.
_BYTES_PER_TOKEN = 16
_LARGEST_COUNTED_BYTES = 8 << 20


def require_enough_text(
    run: RunDirectory, documents: DocumentReader, tokenizer: Tokenizer, configuration: TrainingConfiguration
) -> None:
    """Raise DataError, with all the numbers, for texts of less than a block to train or to validate on.

    Only as little text as may be too little is counted; the shards of all others are looked at when they are made.
    """
    fraction, block_size = configuration.data.validation_fraction, configuration.model.block_size
    if not 0 < fraction < 1:
        return
    enough = _BYTES_PER_TOKEN * (block_size + 1) / min(fraction, 1 - fraction)
    if documents.source_bytes > min(enough, _LARGEST_COUNTED_BYTES):
        return
    rule, _ = chosen_split_rule(documents, run.data_path)
    tokens: dict[Split, int] = {"train": 0, "validation": 0}
    for document in documents:
        for split, part in split_parts(document, rule, validation_fraction=fraction):
            tokens[split] += 1 + len(tokenizer.encode_bytes(part.content))
    require_enough_tokens(
        tokens["train"],
        tokens["validation"],
        configuration,
        where=f"the texts ({first_names(documents.sources)}) have",
        hold_out=f"a larger validation fraction (data.validation_fraction is {fraction})",
    )


def require_enough_tokens(
    train: int, validation: int, configuration: TrainingConfiguration, *, where: str, hold_out: str
) -> None:
    """Raise DataError for fewer tokens than a block needs to train on, or to validate on.

    where: whose they are, and "has" or "have". hold_out: how to have more of them for validation.
    """
    block_size = configuration.model.block_size
    needed = block_size + 1
    if min(train, validation) >= needed:
        return
    times = max(1.5, needed / max(1, min(train, validation)))
    flags = f", {hold_out}, or a smaller block (model.block_size)"
    if configuration.history.begun_by == "quickstart":  # which chooses both by itself
        flags = ""
    raise DataError(
        f"{where} {train:,} tokens to train on and {validation:,} held out, too few for one block: {block_size:,} + 1 "
        f"are needed to train on, and as many to validate on. Give {times:,.1f} times as much text{flags}."
    )
