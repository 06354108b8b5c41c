"""How a run's texts begin: what its samples continue, read from its own shards."""

from pathlib import Path

import numpy as np

from gpt25.data import Split, open_shards, read_prepared_data
from gpt25.tokenizer import Tokenizer

_MOST_TOKENS = 12
_SEARCHED_TOKENS = 1 << 22


def text_beginnings(directory: Path, *, number: int) -> list[str]:
    """The first words of up to `number` documents, the first one and others spread evenly over the shards.

    Of held-out documents, where these are whole; where the end of every document is held out, of those that were
    trained on. A beginning ends with its first line or with a whole word, and none comes twice.
    """
    data = read_prepared_data(directory)
    split: Split = "validation" if data.split_rule == "content" and data.validation.documents else "train"
    shards = open_shards(directory, split)
    ids = shards.tokens(0, min(shards.number_of_tokens, _SEARCHED_TOKENS))
    tokenizer = Tokenizer.from_word(directory)
    starts = np.flatnonzero(ids == data.end_of_text_id) + 1
    evenly = np.linspace(0, len(starts) - 1, number).round().astype(int)
    found: dict[str, None] = {}
    for place in [*evenly, *range(min(len(starts), 100 * number))]:
        end = starts[place + 1] - 1 if place + 1 < len(starts) else len(ids)
        begun = ids[starts[place] : min(starts[place] + _MOST_TOKENS, end)].tolist()
        beginning = _whole_words(tokenizer.decode(begun), cut=bool(starts[place] + _MOST_TOKENS < end))
        if beginning.strip():
            found.setdefault(beginning)
        if len(found) == number:
            break
    return list(found)


def _whole_words(text: str, *, cut: bool) -> str:
    """The first line that holds anything, or as much of it as are whole words where the text goes on."""
    body = text.lstrip()
    line = body.splitlines()[0] if body else ""
    space = text[: len(text) - len(body)]
    if cut and len(line) == len(body):
        line = line.rstrip("\ufffd")
        line = line[: line.rfind(" ")] if " " in line else line
    return space + line
