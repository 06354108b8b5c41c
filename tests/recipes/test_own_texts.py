"""From nothing on own texts: the quickstart's job and `train`'s, a vocabulary of their own included."""

import dataclasses
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt25.data import Document, ReadingSettings, read_prepared_data
from gpt25.errors import ConfigurationError, DataError
from gpt25.recipes import load_recipe, pretrain, quickstart
from gpt25.recipes.run.run_setup import set_up_run
from gpt25.recipes.run.text_plan import MOST_EPOCHS
from gpt25.records import RunDirectory, Summary, in_this_shell
from gpt25.tokenizer import Tokenizer
from gpt25.training import TrainingConfiguration

module = sys.modules["gpt25.recipes.own_texts"]
Start = Callable[..., Summary]


@pytest.fixture(scope="module")
def recipe() -> TrainingConfiguration:
    """The packaged quickstart with small blocks and updates."""
    packaged = load_recipe("quickstart")
    return dataclasses.replace(
        packaged,
        model=dataclasses.replace(packaged.model, block_size=32),
        batch=dataclasses.replace(packaged.batch, tokens_per_update=128),
        loop=dataclasses.replace(packaged.loop, device="cpu", precision="float32"),
    )


@pytest.fixture
def texts(documents: list[Document], tmp_path: Path) -> Path:
    """Six files of several kinds, in a folder that hides others."""
    folder = tmp_path / "my texts"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "config").write_text("not read")
    pieces = [document.content.decode() for document in documents]
    (folder / "a.md").write_text("# The first title\n\n" + "".join(pieces[:5]))
    (folder / "b.txt").write_text("".join(pieces[5:10]))
    (folder / "c.jsonl").write_text(json.dumps({"text": "".join(pieces[10:14])}))
    (folder / "d.csv").write_text('id,text\n1,"' + "".join(pieces[14:17]).replace('"', '""') + '"\n')
    (folder / "e.ipynb").write_text(json.dumps({"cells": [{"source": "".join(pieces[17:20])}]}))
    (folder / "f.html").write_text("<title>no</title><p>" + "".join(pieces[20:]).replace("<", "&lt;"))
    return folder


@pytest.fixture
def start(tmp_path: Path, texts: Path, recipe: TrainingConfiguration, reporter: Any, monkeypatch: Any) -> Start:
    """The quickstart on those texts, on a machine on which an update takes a minute."""
    monkeypatch.setattr(module, "seconds_per_update", lambda *_, **__: 60.0)
    monkeypatch.setattr(module, "matrix_product_rate", lambda *_: 1e12)

    def call(**changes: Any) -> Summary:
        words: dict[str, Any] = {
            "run_path": tmp_path / "run",
            "texts": [str(texts)],
            "recipe": recipe,
            "reporter": reporter,
        }
        return quickstart(**words | {"minutes": 12} | changes)

    return call


def test_one_call_leaves_what_the_quickstart_leaves_on_texts_of_every_kind(
    start: Start, tmp_path: Path, texts: Path, reporter: Any
) -> None:
    summary = start()
    run = RunDirectory(tmp_path / "run")
    configuration, data = load_recipe(run.recipe_path), read_prepared_data(run.data_path)
    tokenizer = Tokenizer.load(run.tokenizer_path)
    assert (data.split_rule, data.train.documents, data.validation.documents) == ("position", 6, 6)
    assert data.tokenizer_fingerprint == tokenizer.fingerprint
    assert configuration.data.texts == (str(texts),)
    assert configuration.model.vocabulary_size == tokenizer.vocabulary_size <= 1024
    assert configuration.model.number_of_embedding_dimensions == 64  # so little text, and so slow a machine
    assert configuration.loop.number_of_updates == len(run.metrics()) == 12
    assert configuration.loop.sample_prompt == "# The first title"
    assert {row["prompt"] for row in run.samples()} == {"# The first title"}
    assert "--- it continues '# The first title' ---" in reporter.everything
    assert reporter.everything.count("--- it continues ") == 3
    assert summary.title == "GPT-2 from scratch on own text"
    assert f"{summary.bits_per_byte:.3f} bits per byte" in reporter.everything
    assert f"1 hidden file was left out: {texts}/.git" in reporter.noted
    command = in_this_shell(f"gpt25 generate {run.path} --prompt '# The first title' --samples 3")
    assert f"  {command}" in reporter.said
    assert run.loss_picture_path.is_file()
    assert f"{summary.bits_per_byte:.3f}" in run.report_path.read_text(encoding="utf-8")


def test_stopped_anywhere_the_same_call_goes_on_and_done_it_shows_the_result_without_the_texts(
    start: Start, tmp_path: Path, texts: Path, reporter: Any, monkeypatch: Any
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    run = RunDirectory(tmp_path / "run")
    tokenizers = set()
    for owner, name in (
        (sys.modules["gpt25.recipes.run.run_data"], "prepare"),
        (module, "_sized"),
        (sys.modules["gpt25.recipes.quickstart"], "train_run"),
        (sys.modules["gpt25.recipes.quickstart"], "_summarise"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, stop)
            with pytest.raises(KeyboardInterrupt):
                start()
        tokenizers.add(Tokenizer.load(run.tokenizer_path).fingerprint)
    assert len(tokenizers) == 1
    assert reporter.said.count("learning a vocabulary of 1,024 tokens from the texts") == 1
    first = start()
    shutil.rmtree(texts)
    reporter.said.clear()
    assert start() == start(texts=()) == first
    assert reporter.said[0].startswith(
        f"{run.path} is done already, and other minutes, flags or files are not looked at"
    )
    assert "--- it continues '# The first title' ---" in reporter.everything


def test_a_run_that_was_begun_is_not_gone_on_with_on_other_texts(start: Start, tmp_path: Path, texts: Path) -> None:
    start()
    with pytest.raises(ConfigurationError) as caught:
        start(texts=["elsewhere"])
    assert str(caught.value) == (
        f"{tmp_path / 'run'} holds a run on {texts}, not on elsewhere. Choose another --run directory, or give the "
        "same texts to go on."
    )


def test_texts_that_changed_before_the_run_began_get_a_vocabulary_of_their_own(
    start: Start, tmp_path: Path, texts: Path, monkeypatch: Any
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_sized", stop)
        with pytest.raises(KeyboardInterrupt):
            start()
    before = Tokenizer.load(tmp_path / "run" / "tokenizer").fingerprint
    (texts / "b.txt").write_text("quite another text, with other words\n" * 200)
    start()
    assert Tokenizer.load(tmp_path / "run" / "tokenizer").fingerprint != before


def test_the_minutes_and_the_text_decide_size_and_length(
    start: Start, tmp_path: Path, reporter: Any, monkeypatch: Any
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["gpt25.recipes.quickstart"], "train_run", stop)
    with pytest.raises(KeyboardInterrupt):
        start(minutes=24 * 60)
    (said,) = [line for line in reporter.said if line.startswith("model: ")]
    assert f"updates read all of the text {MOST_EPOCHS} times, which takes about" in said
    data = read_prepared_data(tmp_path / "run" / "data")
    begun = load_recipe(tmp_path / "run" / "run.toml")
    assert begun.loop.number_of_updates == round(MOST_EPOCHS * data.train.tokens / 128)


def test_how_the_texts_are_read_is_asked_for_and_recorded(
    start: Start, tmp_path: Path, documents: list[Document]
) -> None:
    rows = [{"body": document.content.decode()} for document in documents]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    start(texts=[str(tmp_path / "*.jsonl")], reading=ReadingSettings(field="body"))
    assert load_recipe(tmp_path / "run" / "run.toml").data.field == "body"


def test_too_little_text_is_told_with_all_numbers_and_nothing_is_recorded(start: Start, tmp_path: Path) -> None:
    (tmp_path / "tiny.txt").write_text("a few words, and a few words more\n" * 3)
    with pytest.raises(DataError) as caught:
        start(texts=[str(tmp_path / "tiny.txt")])
    message = str(caught.value)
    assert message.startswith(f"the texts ({tmp_path / 'tiny.txt'}) have ")
    assert "29 tokens to train on and 4 held out, too few for one block: 32 + 1 are needed to train on, and" in message
    assert message.endswith("Give 8.2 times as much text."), "the quickstart has no flags for anything else"
    assert not (tmp_path / "run").exists()


def test_a_run_among_its_own_texts_is_refused_and_they_stay_as_they_are(start: Start, texts: Path) -> None:
    before = sorted(texts.rglob("*"))
    with pytest.raises(DataError, match="is both the source and the output"):
        start(run_path=texts)
    assert sorted(texts.rglob("*")) == before


def test_texts_without_any_text_are_told(start: Start, tmp_path: Path) -> None:
    from gpt25.errors import TokenizerError

    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(TokenizerError, match="there is no text to learn a vocabulary from"):
        start(texts=[str(tmp_path / "empty.txt")])


# By `train`.


@pytest.fixture
def trained(recipe: TrainingConfiguration, texts: Path) -> TrainingConfiguration:
    """The recipe for `train`, on the texts, without a tokenizer."""
    return dataclasses.replace(
        recipe,
        model=dataclasses.replace(
            recipe.model, number_of_layers=1, number_of_heads=2, number_of_embedding_dimensions=32
        ),
        data=dataclasses.replace(recipe.data, texts=(str(texts),)),
        schedule=dataclasses.replace(recipe.schedule, warm_up_updates=1),
        loop=dataclasses.replace(recipe.loop, number_of_updates=4),
    )


def test_training_on_texts_without_a_tokenizer_learns_one_and_goes_on_with_it(
    trained: TrainingConfiguration, texts: Path, tmp_path: Path, reporter: Any
) -> None:
    run = pretrain(trained, tmp_path / "run", reporter=reporter)
    tokenizer = Tokenizer.load(run.tokenizer_path)
    assert "learning a vocabulary of 1,024 tokens from the texts" in reporter.said
    assert load_recipe(run.recipe_path).model.vocabulary_size == tokenizer.vocabulary_size
    record = json.loads((run.tokenizer_path / "learned_from.json").read_text())
    assert (record["texts"], record["vocabulary_size"]) == ([str(texts)], 1024)
    shutil.rmtree(run.checkpoints_path)
    shutil.rmtree(texts)
    reporter.said.clear()
    again = pretrain(trained, tmp_path / "run", reporter=reporter)
    assert [row["update"] for row in again.metrics()] == [1, 2, 3, 4]
    assert not any(line.startswith(("learning", "vocabulary")) for line in reporter.said)
    assert Tokenizer.load(run.tokenizer_path).fingerprint == tokenizer.fingerprint


def test_what_is_held_out_plays_no_part_in_the_vocabulary(
    trained: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    end = "zyzyzyzyzyzyzyzyzyzy" * 25
    for name in "ab":
        (folder / f"{name}.txt").write_text("some plain words, line by line\n" * 400 + end)
    few = dataclasses.replace(trained.data, texts=(str(folder),), validation_fraction=0.2)
    run = pretrain(dataclasses.replace(trained, data=few), tmp_path / "run", reporter=reporter)
    tokenizer = Tokenizer.load(run.tokenizer_path)
    assert len(tokenizer.encode("plain words")) < 4
    assert len(tokenizer.encode("zyzy")) == 4


def test_a_recipe_that_insists_on_gpt2_s_vocabulary_has_gpt2_s_tokenizer(
    trained: TrainingConfiguration, tmp_path: Path, reporter: Any
) -> None:
    insisting = dataclasses.replace(
        trained,
        model=dataclasses.replace(trained.model, vocabulary_size=50_257),
        data=dataclasses.replace(trained.data, vocabulary_size_from="recipe"),
    )
    run = RunDirectory(tmp_path / "run")
    assert set_up_run(run, insisting, reporter=reporter).tokenizer.name == "gpt2"
    assert read_prepared_data(run.data_path).tokenizer_name == "gpt2"
    assert not run.tokenizer_path.exists()


def test_what_does_not_fit_is_told_before_anything_is_encoded(
    trained: TrainingConfiguration, tmp_path: Path, reporter: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sys.modules["gpt25.recipes.run.run_data"], "prepare", None)  # encoding would fail
    own = Tokenizer.train(["some words " * 300], vocabulary_size=260)
    own.save(tmp_path / "own")
    data = dataclasses.replace(trained.data, tokenizer=str(tmp_path / "own"), vocabulary_size_from="recipe")
    with pytest.raises(ConfigurationError, match=r"has 260 tokens, and the recipe insists on 4,096"):
        pretrain(dataclasses.replace(trained, data=data), tmp_path / "run", reporter=reporter)
    long = dataclasses.replace(trained.loop, sample_prompt="words " * 99)
    with pytest.raises(ConfigurationError, match=r"loop\.sample_prompt has \d+ tokens; with model\.block_size 32"):
        pretrain(dataclasses.replace(trained, loop=long), tmp_path / "run", reporter=reporter)
    large = dataclasses.replace(trained.model, block_size=4096)
    batch = dataclasses.replace(trained.batch, tokens_per_update=4096)
    with pytest.raises(DataError, match=r"too few for one block: 4,096 \+ 1 are needed"):
        pretrain(dataclasses.replace(trained, model=large, batch=batch), tmp_path / "run", reporter=reporter)
