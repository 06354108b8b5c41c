"""A given model goes on learning on other text: whole, interrupted, gone on with, and everything that does not fit."""

import dataclasses
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.data import Document, prepare
from gpt25.errors import ConfigurationError, DataError, Interrupted
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.recipes import load_recipe, pretrain
from gpt25.records import RunDirectory
from gpt25.storage import atomic_directory, write_json, write_manifest
from gpt25.tokenizer import Tokenizer
from gpt25.training import TrainingConfiguration
from gpt25.weights import load_pretrained, save_pretrained, weights_sha256, write_model_files

SHAPE = GPTConfiguration(
    block_size=32,
    vocabulary_size=320,
    number_of_layers=2,
    number_of_heads=2,
    number_of_embedding_dimensions=32,
    residual_dropout=0.5,  # the run's own dropout must win
)


@pytest.fixture(scope="module")
def tokenizer(documents: list[Document]) -> Tokenizer:
    return Tokenizer.train([document.content.decode() for document in documents], vocabulary_size=320)


def make_model(path: Path, tokenizer: Tokenizer | None, *, seed: int = 1, shape: GPTConfiguration = SHAPE) -> Path:
    save_pretrained(GPTModel(shape, generator=torch.Generator().manual_seed(seed)), tokenizer, path)
    return path


@pytest.fixture
def given(tokenizer: Tokenizer, tmp_path: Path) -> Path:
    return make_model(tmp_path / "given", tokenizer)


@pytest.fixture
def texts(documents: list[Document], tmp_path: Path) -> Path:
    """A folder of texts, one of them JSON lines."""
    folder = tmp_path / "texts"
    folder.mkdir()
    half = len(documents) // 2
    (folder / "a.txt").write_bytes(b"".join(document.content for document in documents[:half]))
    rows = [json.dumps({"text": document.content.decode()}) for document in documents[half:]]
    (folder / "b.jsonl").write_text("\n".join(rows))
    return folder


@pytest.fixture
def recipe(given: Path, texts: Path) -> TrainingConfiguration:
    packaged = load_recipe("finetune")
    return dataclasses.replace(
        packaged,
        start=dataclasses.replace(packaged.start, model=str(given)),
        data=dataclasses.replace(packaged.data, texts=(str(texts),), validation_tokens=320),
        batch=dataclasses.replace(packaged.batch, tokens_per_update=1024),
        optimizer=dataclasses.replace(packaged.optimizer, peak_learning_rate=3e-3),
        schedule=dataclasses.replace(packaged.schedule, warm_up_updates=2),
        loop=dataclasses.replace(
            packaged.loop,
            number_of_updates=6,
            number_of_epochs=None,
            validation_interval_in_updates=2,
            checkpoint_interval_in_updates=2,
            samples_interval_in_updates=6,
            checkpoints_to_keep=9,
            device="cpu",
            precision="float32",
            sample_prompt="def",
        ),
    )


def changed(configuration: TrainingConfiguration, section: str, **values: Any) -> TrainingConfiguration:
    replaced = dataclasses.replace(getattr(configuration, section), **values)
    return dataclasses.replace(configuration, **{section: replaced})


def losses(run: RunDirectory) -> list[tuple[int, float | None, float | None]]:
    return [(row["update"], row.get("training_loss"), row.get("validation_loss")) for row in run.metrics()]


@pytest.fixture
def simple_loss() -> Callable[[Path, RunDirectory], float]:
    """The mean loss of a model directory on the run's validation windows, by the simple formula."""

    def measure(directory: Path, run: RunDirectory) -> float:
        from gpt25.data import Validation, open_shards

        model, _ = load_pretrained(directory)
        validation = Validation(open_shards(run.data_path, "validation"), 32, 320, selection="even")
        with torch.no_grad():
            parts = [(float(model(*pair)[1]), pair[0].numel()) for pair in validation.micro_batches(4)]
        return sum(loss * count for loss, count in parts) / sum(count for _, count in parts)

    return measure


def test_the_curve_begins_at_the_given_models_own_loss_and_falls(
    recipe: TrainingConfiguration,
    given: Path,
    tmp_path: Path,
    reporter: Any,
    simple_loss: Callable[[Path, RunDirectory], float],
) -> None:
    run = pretrain(recipe, tmp_path / "run", reporter=reporter)
    first, *others = losses(run)
    assert first == (0, None, pytest.approx(simple_loss(given, run), rel=1e-5))
    assert [update for update, _, _ in others] == [1, 2, 3, 4, 5, 6]
    assert others[-1][2] < first[2] - 0.3
    assert [row["update"] for row in run.samples()] == [0, 6]
    assert [record.update for record in run.checkpoints()] == [0, 2, 4, 6]
    assert run.loss_picture_path.is_file()
    assert run.report_path.is_file()
    begun, (original, _) = load_recipe(run.recipe_path), load_pretrained(given)
    assert begun.start.model == str(given)
    assert begun.start.weights_sha256 == weights_sha256(original)
    assert begun.model == dataclasses.replace(
        SHAPE, embedding_dropout=0.1, attention_dropout=0.1, residual_dropout=0.1
    )  # shape of the model, dropout of the recipe
    assert reporter.said[0].startswith(f"starting from {given}: ")


def test_what_comes_out_loads_in_transformers(
    recipe: TrainingConfiguration, tmp_path: Path, reporter: Any, tokenizer: Tokenizer
) -> None:
    from transformers import GPT2LMHeadModel

    run = pretrain(recipe, tmp_path / "run", reporter=reporter)
    path = run.find_checkpoint("best")
    model, own = load_pretrained(path)
    assert own is not None
    assert own.fingerprint == tokenizer.fingerprint
    indices = torch.tensor([tokenizer.encode("def wrap(text):")])
    with torch.no_grad():
        theirs = GPT2LMHeadModel.from_pretrained(path).eval()(indices).logits
        assert torch.allclose(model(indices), theirs, atol=1e-5)


def test_a_model_that_gets_worse_stays_the_best_checkpoint(
    recipe: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    """At a rate of 3 everything is forgotten; what was given is still there."""
    hot = changed(changed(recipe, "optimizer", peak_learning_rate=3.0), "loop", checkpoints_to_keep=1)
    run = pretrain(hot, tmp_path / "run", reporter=reporter)
    assert [record.update for record in run.checkpoints()] == [0, 6]
    assert run.find_checkpoint("best") == run.checkpoint_path(0)


def test_interrupted_it_goes_on_bit_for_bit_without_model_and_texts(
    recipe: TrainingConfiguration, given: Path, texts: Path, tmp_path: Path, reporter: Any, monkeypatch: Any
) -> None:
    whole = pretrain(recipe, tmp_path / "whole", reporter=reporter)
    append = RunDirectory.append_metrics

    def interrupting(run: RunDirectory, row: dict[str, Any]) -> None:
        append(run, row)
        if row["update"] == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(RunDirectory, "append_metrics", interrupting)
    with pytest.raises(Interrupted, match="after update 3"):
        pretrain(recipe, tmp_path / "run", reporter=reporter)
    monkeypatch.undo()
    shutil.rmtree(given)
    shutil.rmtree(texts)
    reporter.said.clear()
    run = pretrain(recipe, tmp_path / "run", reporter=reporter)
    assert reporter.said[0] == "going on after update 3 of 6"
    assert losses(run) == losses(whole)
    assert [row["text"] for row in run.samples()] == [row["text"] for row in whole.samples()]
    name = "model.safetensors"
    assert (run.checkpoint_path(6) / name).read_bytes() == (whole.checkpoint_path(6) / name).read_bytes()


def test_a_run_goes_on_without_the_word_and_with_another_word_for_the_same_weights(
    recipe: TrainingConfiguration, given: Path, tmp_path: Path, reporter: Any
) -> None:
    run = pretrain(recipe, tmp_path / "run", reporter=reporter)
    pretrain(changed(recipe, "start", model=None), run.path, reporter=reporter)
    shutil.move(given, tmp_path / "elsewhere")
    pretrain(changed(recipe, "start", model=str(tmp_path / "elsewhere")), run.path, reporter=reporter)
    assert load_recipe(run.recipe_path).start.model == str(given)
    assert len(run.metrics()) == 7


def test_another_model_is_refused_with_both_words_and_hashes(
    recipe: TrainingConfiguration, given: Path, tokenizer: Tokenizer, tmp_path: Path, reporter: Any
) -> None:
    run = pretrain(recipe, tmp_path / "run", reporter=reporter)
    before = run.recipe_path.read_bytes()
    other = make_model(tmp_path / "other", tokenizer, seed=2)
    hashes = [weights_sha256(load_pretrained(path)[0])[:12] for path in (given, other)]
    with pytest.raises(ConfigurationError) as caught:
        pretrain(changed(recipe, "start", model=str(other)), run.path, reporter=reporter)
    assert str(caught.value) == (
        f"{run.path} was begun with the weights of {given} ({hashes[0]}), and {other} has others ({hashes[1]}). "
        "Choose another --run directory, or give the old model."
    )
    assert run.recipe_path.read_bytes() == before


def test_a_model_that_changed_before_the_first_checkpoint_is_refused(
    recipe: TrainingConfiguration, given: Path, tokenizer: Tokenizer, tmp_path: Path, reporter: Any
) -> None:
    run = pretrain(recipe, tmp_path / "run", reporter=reporter)
    shutil.rmtree(run.checkpoints_path)
    make_model(given, tokenizer, seed=2)
    with pytest.raises(ConfigurationError, match=f"was begun with the weights of {given} .* has others"):
        pretrain(recipe, run.path, reporter=reporter)
    make_model(given, tokenizer, seed=1)
    assert len(pretrain(recipe, run.path, reporter=reporter).metrics()) == 7


def test_a_run_from_random_weights_cannot_start_from_a_model_later(
    recipe: TrainingConfiguration, tmp_path: Path, reporter: Any, tokenizer: Tokenizer, given: Path, texts: Path
) -> None:
    tokenizer.save(tmp_path / "tokenizer")
    random = changed(recipe, "start", model=None, required=False)
    random = changed(changed(random, "model", **dataclasses.asdict(SHAPE)), "data", tokenizer=str(given))
    run = pretrain(random, tmp_path / "run", reporter=reporter)
    assert run.metrics()[0]["validation_loss"] == pytest.approx(5.77, abs=0.1)  # ln 320
    with pytest.raises(ConfigurationError, match=f"began with random weights; it cannot start from {given} any more"):
        pretrain(recipe, run.path, reporter=reporter)


def test_a_run_and_its_best_checkpoint_can_be_the_start(
    recipe: TrainingConfiguration, tmp_path: Path, reporter: Any, tokenizer: Tokenizer
) -> None:
    source = RunDirectory(tmp_path / "source")
    for update, loss in ((1, 1.0), (2, 2.0)):
        with atomic_directory(source.checkpoint_path(update)) as directory:
            model = GPTModel(SHAPE, generator=torch.Generator().manual_seed(update))
            write_model_files(model, tokenizer, directory)
            write_json(directory / "state.json", {"update": update, "metrics": {"validation_loss": loss}})
            write_manifest(directory)
    for word, update in (("", 2), ("@best", 1)):
        run = pretrain(
            changed(recipe, "start", model=f"{source.path}{word}"), tmp_path / f"run{update}", reporter=reporter
        )
        expected = weights_sha256(load_pretrained(source.path, checkpoint=str(update))[0])
        assert load_recipe(run.recipe_path).start.weights_sha256 == expected


# Shape and length.


def test_a_shorter_block_cuts_positions_off_and_says_so(
    recipe: TrainingConfiguration, given: Path, tmp_path: Path, reporter: Any
) -> None:
    run = pretrain(changed(recipe, "model", block_size=16), tmp_path / "run", reporter=reporter)
    assert "the model's positions beyond 16 of 32 are cut off, as model.block_size says" in reporter.said
    start, (original, _) = load_pretrained(run.checkpoint_path(0))[0], load_pretrained(given)
    assert start.configuration.block_size == 16
    positions = "transformer.word_positional_embeddings.weight"
    assert torch.equal(start.state_dict()[positions], original.state_dict()[positions][:16])


def test_tokens_per_update_become_whole_rows_of_the_models_block(
    recipe: TrainingConfiguration, tokenizer: Tokenizer, tmp_path: Path, reporter: Any
) -> None:
    odd = make_model(tmp_path / "odd", tokenizer, shape=dataclasses.replace(SHAPE, block_size=24))
    asked = changed(changed(recipe, "start", model=str(odd)), "batch", smaller_updates=((0.2, 16), (0.5, 512)))
    run = pretrain(asked, tmp_path / "run", reporter=reporter)
    begun = load_recipe(run.recipe_path).batch
    assert begun.tokens_per_update == 1008  # 42 x 24, at most 1,024
    assert begun.smaller_updates == ((0.2, 24), (0.5, 504))  # one row, and 21 x 24
    assert "an update reads 1,008 tokens instead of 1,024: rows of 24" in reporter.said
    pretrain(asked, tmp_path / "run", reporter=reporter)


def test_another_shape_than_the_models_is_refused_with_both_numbers(
    recipe: TrainingConfiguration, given: Path, tmp_path: Path, reporter: Any
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        pretrain(changed(recipe, "model", number_of_layers=3), tmp_path / "run", reporter=reporter)
    assert str(caught.value) == (
        f"model.number_of_layers is 3; {given} has 2. A run that starts from a model takes its shape: leave the field "
        "out."
    )


def test_epochs_end_a_run_on_a_small_text_and_not_on_a_large_one(
    recipe: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    short = changed(
        changed(recipe, "loop", number_of_updates=1000, number_of_epochs=0.5), "schedule", warm_up_updates=500
    )
    run = pretrain(short, tmp_path / "run", reporter=reporter)
    tokens = run.checkpoints()[-1].state()["training_tokens_in_data"]
    begun = load_recipe(run.recipe_path)
    assert begun.loop.number_of_updates == round(0.5 * tokens / 1024) < 10
    assert begun.schedule.warm_up_updates == round(begun.loop.number_of_updates / 2)
    assert len(pretrain(short, tmp_path / "run", reporter=reporter).metrics()) == begun.loop.number_of_updates + 1
    large = pretrain(changed(recipe, "loop", number_of_epochs=50.0), tmp_path / "large", reporter=reporter)
    assert load_recipe(large.recipe_path).loop.number_of_updates == 6


# Texts, shards and vocabularies.


def test_without_texts_it_is_the_standard_library(
    recipe: TrainingConfiguration, tmp_path: Path, reporter: Any, monkeypatch: Any
) -> None:
    asked: list[Any] = []

    def watched(sources: Any, **keywords: Any) -> Any:
        asked.append(sources)
        raise ZeroDivisionError

    monkeypatch.setattr("gpt25.recipes.run.run_data.read_documents", watched)
    with pytest.raises(ZeroDivisionError):
        pretrain(changed(recipe, "data", texts=()), tmp_path / "run", reporter=reporter)
    assert asked == [("standard-library",)]


def test_a_few_texts_are_held_out_by_their_ends(
    recipe: TrainingConfiguration, texts: Path, tmp_path: Path, reporter: Any
) -> None:
    few = changed(recipe, "data", texts=(str(texts / "a.txt"), str(texts / "b.jsonl")))
    run = pretrain(few, tmp_path / "run", reporter=reporter)
    index = json.loads((run.data_path / "index.json").read_text())
    assert index["split_rule"] == "position"
    assert index["train"]["documents"] == index["validation"]["documents"] > 10


def test_prepared_shards_are_taken_as_they_are(
    recipe: TrainingConfiguration, tokenizer: Tokenizer, documents: list[Document], tmp_path: Path, reporter: Any
) -> None:
    prepare(documents, tokenizer, tmp_path / "shards", validation_fraction=0.3, number_of_processes=1)
    prepared = changed(recipe, "data", texts=(), directory=str(tmp_path / "shards"))
    run = pretrain(prepared, tmp_path / "run", reporter=reporter)
    assert not run.data_path.exists()
    assert len(run.metrics()) == 7


def test_data_of_another_tokenizer_is_refused_with_both_names(
    recipe: TrainingConfiguration,
    tokenizer: Tokenizer,
    documents: list[Document],
    given: Path,
    tmp_path: Path,
    reporter: Any,
) -> None:
    foreign = Tokenizer.train(["something else entirely, again and again. " * 40], vocabulary_size=280)
    prepare(documents, foreign, tmp_path / "shards", validation_fraction=0.3, number_of_processes=1)
    mixed = changed(recipe, "data", texts=(), directory=str(tmp_path / "shards"))
    with pytest.raises(ConfigurationError) as caught:
        pretrain(mixed, tmp_path / "run", reporter=reporter)
    assert str(caught.value) == (
        f"the data in {tmp_path / 'shards'} was prepared with the tokenizer {foreign.name} ({foreign.fingerprint}), "
        f"the model {given} has the tokenizer {tokenizer.name} ({tokenizer.fingerprint}). Give the texts themselves "
        "with --data.texts, or prepare them with the model's tokenizer."
    )
    assert not (tmp_path / "run" / "run.toml").exists()


def test_another_tokenizer_than_the_models_own_is_refused(
    recipe: TrainingConfiguration, given: Path, tmp_path: Path, reporter: Any
) -> None:
    with pytest.raises(ConfigurationError, match=rf"data.tokenizer is gpt2 \(\w+\), the model {given} has its own tok"):
        pretrain(changed(recipe, "data", tokenizer="gpt2"), tmp_path / "run", reporter=reporter)


def test_a_model_without_a_tokenizer_needs_one_named_that_fits(
    recipe: TrainingConfiguration, given: Path, tmp_path: Path, reporter: Any
) -> None:
    bare = changed(recipe, "start", model=str(make_model(tmp_path / "bare", None)))
    with pytest.raises(ConfigurationError, match="texts need a tokenizer .*and the model has none: name its own with"):
        pretrain(bare, tmp_path / "run", reporter=reporter)
    with pytest.raises(ConfigurationError, match=r"gpt2 has 50,257 tokens, the model .*bare embeds only 320; they do"):
        pretrain(changed(bare, "data", tokenizer="gpt2"), tmp_path / "large", reporter=reporter)
    run = pretrain(changed(bare, "data", tokenizer=str(given)), tmp_path / "run", reporter=reporter)
    shutil.rmtree(tmp_path / "bare")
    pretrain(changed(bare, "data", tokenizer=str(given)), run.path, reporter=reporter)


def test_spare_embeddings_are_fine(
    recipe: TrainingConfiguration, tokenizer: Tokenizer, tmp_path: Path, reporter: Any
) -> None:
    padded = make_model(tmp_path / "padded", tokenizer, shape=dataclasses.replace(SHAPE, vocabulary_size=384))
    run = pretrain(changed(recipe, "start", model=str(padded)), tmp_path / "run", reporter=reporter)
    assert load_recipe(run.recipe_path).model.vocabulary_size == 384


def test_other_texts_in_a_run_that_was_begun_are_refused(
    recipe: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    run = pretrain(recipe, tmp_path / "run", reporter=reporter)
    (tmp_path / "other.txt").write_text("other words\n" * 400)
    with pytest.raises(DataError, match="was prepared from other text"):
        pretrain(changed(recipe, "data", texts=(str(tmp_path / "other.txt"),)), run.path, reporter=reporter)


def test_too_little_text_is_told_before_the_run_is_written_down(
    recipe: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    (tmp_path / "tiny.txt").write_text("a few words\n" * 20)
    with pytest.raises(
        DataError,
        match=r"tokens to train on and \d+ held out, too few for one block: 32 \+ 1 .* a larger validation fr",
    ):
        pretrain(changed(recipe, "data", texts=(str(tmp_path / "tiny.txt"),)), tmp_path / "run", reporter=reporter)
    assert not (tmp_path / "run" / "run.toml").exists()
    more = changed(recipe, "data", texts=(str(tmp_path / "tiny.txt"),), validation_fraction=0.5)
    run = pretrain(more, tmp_path / "run", reporter=reporter)  # the advice works in the same directory
    assert run.summary_path.exists() or run.checkpoints()


def test_a_missing_model_is_told_before_anything_is_written(
    recipe: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        pretrain(changed(recipe, "start", model=None), tmp_path / "run", reporter=reporter)
    assert str(caught.value) == (
        "the recipe starts from a model and none is named: add --start MODEL (gpt2, a Hub id owner/name, a Hugging "
        "Face directory or a run)."
    )
    assert not (tmp_path / "run").exists()
