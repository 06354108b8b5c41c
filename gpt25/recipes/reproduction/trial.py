"""A trial of the reproduction on a processor: a small copy, Python's own text, and small random weights to beat.

Its items are made of the held-out text, in the forms of HellaSwag and LAMBADA, so that every step runs as it will.
"""

import dataclasses
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from gpt25.counted import counted
from gpt25.data import Document, prepare, split_of, standard_library_documents
from gpt25.model import GPTModel
from gpt25.recipes.length import with_length
from gpt25.recipes.recipe import load_recipe
from gpt25.recipes.reporter import Reporter
from gpt25.recipes.reproduction.contest import Discipline
from gpt25.recipes.run.vocabulary import learn_vocabulary
from gpt25.records import RunDirectory
from gpt25.runtime import generator_for
from gpt25.storage import is_file, write_json_lines
from gpt25.tokenizer import Tokenizer
from gpt25.training import TrainingConfiguration
from gpt25.weights import save_pretrained

OPPONENT = "a small GPT-2 with random weights"
_VOCABULARY, _VALIDATION_FRACTION = 2048, 0.03
_NUMBER_OF_UPDATES = 240
_SHAPE = {"block_size": 128, "number_of_layers": 4, "number_of_heads": 4, "number_of_embedding_dimensions": 128}
_BATCH: dict[str, Any] = {
    "tokens_per_update": 4096,
    "micro_batch_rows": 16,
    "short_sequences": ((0.3, 32), (0.6, 64)),
}
_ITEMS = 200
_CONTEXT_LINES, _ENDINGS = 4, 4
_PASSAGE_WORDS = 30


def trial_configuration(run: RunDirectory, recipe: TrainingConfiguration | None = None) -> TrainingConfiguration:
    """`gpt2_124m` in small: the same optimizers, schedule and curriculum on 1.2 million parameters."""
    recipe = recipe or load_recipe("gpt2_124m")
    small = dataclasses.replace(
        recipe,
        model=dataclasses.replace(recipe.model, vocabulary_size=_VOCABULARY, **_SHAPE),
        data=dataclasses.replace(recipe.data, directory=str(run.path / "shards")),
        batch=dataclasses.replace(recipe.batch, **_BATCH),
        optimizer=dataclasses.replace(recipe.optimizer, muon_peak_learning_rate=1e-2, peak_learning_rate=1e-2),
        track=dataclasses.replace(recipe.track, loss_at_most=(), loss_at_least=None, trial=True),
        loop=dataclasses.replace(recipe.loop, sample_prompt="def "),
    )
    short = with_length(small, _NUMBER_OF_UPDATES)
    return dataclasses.replace(
        short,
        loop=dataclasses.replace(
            short.loop,
            validation_interval_in_updates=40,
            checkpoint_interval_in_updates=60,
            samples_interval_in_updates=120,
        ),
        hellaswag=dataclasses.replace(
            short.hellaswag, interval_in_updates=120, data=str(run.path / "trial" / "hellaswag.jsonl")
        ),
    )


def trial_disciplines(run: RunDirectory) -> list[Discipline]:
    """The trial's own items, made by `prepare_trial`."""
    folder = run.path / "trial"
    return [
        Discipline("loss", "loss", str(run.path / "shards"), "validation loss"),
        Discipline("hellaswag", "accuracy_norm", str(folder / "hellaswag.jsonl"), "the trial's choices of an ending"),
        Discipline("lambada", "accuracy", str(folder / "lambada.jsonl"), "the trial's last words"),
    ]


def prepare_trial(run: RunDirectory, reporter: Reporter, *, documents: Sequence[Document] | None = None) -> Path:
    """Make tokenizer, shards, items and the opponent of a trial, each unless it is there; returns the opponent."""
    folder, shards = run.path / "trial", run.path / "shards"
    corpus = list(standard_library_documents()) if documents is None else list(documents)
    tokenizer_path = folder / "tokenizer"
    if Tokenizer.is_in(tokenizer_path):
        tokenizer = Tokenizer.load(tokenizer_path)
    else:
        reporter.say(f"learning a vocabulary of {_VOCABULARY:,} tokens from {counted(len(corpus), 'files')}")
        tokenizer = learn_vocabulary(corpus, vocabulary_size=_VOCABULARY, validation_fraction=_VALIDATION_FRACTION)
        tokenizer.save(tokenizer_path)
    with reporter.progress("encoding", sum(len(each.content) for each in corpus), "bytes") as progress:
        prepare(
            corpus,
            tokenizer,
            shards,
            validation_fraction=_VALIDATION_FRACTION,
            split_rule="content",  # by which the vocabulary and the items are made
            progress=progress.advance,
        )
    held_out = [each for each in corpus if split_of(each, validation_fraction=_VALIDATION_FRACTION) == "validation"]
    _write_items(held_out, folder)
    opponent = folder / "opponent"
    if not is_file(opponent / "model.safetensors"):
        shape = trial_configuration(run).model
        save_pretrained(GPTModel(shape, generator=generator_for(1, "opponent")), tokenizer, opponent)
    return opponent


def _write_items(documents: Sequence[Document], folder: Path) -> None:
    """HellaSwag's and LAMBADA's rows from texts, the same ones every time."""
    chance = random.Random(0)
    pieces = _pieces(documents)
    chance.shuffle(pieces)
    endings = [after for _, after in pieces]
    rows = []
    for context, ending in pieces[:_ITEMS]:
        others = chance.sample([each for each in endings if each != ending], _ENDINGS - 1)
        label = chance.randrange(_ENDINGS)
        rows.append({"ctx": context, "endings": [*others[:label], ending, *others[label:]], "label": label})
    write_json_lines(folder / "hellaswag.jsonl", rows)
    words = " ".join(document.content.decode("utf-8", "replace") for document in documents).split()
    starts = range(0, len(words) - _PASSAGE_WORDS, max(1, len(words) // _ITEMS))
    passages = [" ".join(words[start : start + _PASSAGE_WORDS]) for start in starts][:_ITEMS]
    write_json_lines(folder / "lambada.jsonl", [{"text": passage} for passage in passages])


def _pieces(documents: Sequence[Document]) -> list[tuple[str, str]]:
    """Lines of code and what follows them, short enough for a block of the trial."""
    found = []
    for document in documents:
        lines = [line.strip() for line in document.content.decode("utf-8", "replace").split("\n")]
        stretches = [
            " ".join(filter(None, lines[start : start + _CONTEXT_LINES]))
            for start in range(0, len(lines), _CONTEXT_LINES)
        ]
        found += [
            (before[:120], after[:60]) for before, after in pairwise(stretches) if len(before) > 30 and len(after) > 30
        ]
    return found
