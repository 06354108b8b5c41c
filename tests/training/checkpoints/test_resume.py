"""Interrupted and resumed is uninterrupted, bit for bit; what does not belong together is refused."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.data import Document, PreparedData, open_shards, prepare
from gpt25.errors import ConfigurationError, CorruptFileError, Interrupted
from gpt25.model import GPTModel
from gpt25.storage import write_manifest
from gpt25.tokenizer import Tokenizer
from gpt25.training import Trainer, TrainingConfiguration, TrainingHooks
from gpt25.weights import load_pretrained

Change = Callable[..., TrainingConfiguration]
MakeTrainer = Callable[..., Trainer]
Weights = Callable[[Trainer], dict[str, torch.Tensor]]


def signal_at(update: int, number: int = signal.SIGTERM) -> Callable[[dict[str, Any]], None]:
    """A hook that sends this process a signal after an update."""
    return lambda row: os.kill(os.getpid(), number) if row["update"] == update else None


def exception_at(update: int) -> Callable[[dict[str, Any]], None]:
    def hook(row: dict[str, Any]) -> None:
        if row["update"] == update:
            raise ZeroDivisionError

    return hook


def logged(trainer: Trainer) -> list[dict[str, Any]]:
    """The record without what depends on the clock."""
    times = ("tokens_per_second", "elapsed_seconds")
    return [{name: value for name, value in row.items() if name not in times} for row in trainer.run.metrics()]


OPTIONS = {"muon_beta_2": 0.9, "muon_weight_decay": 0.1, "cautious_weight_decay": True}
SOAP = {"muon_soap_beta_2": 0.9, "muon_soap_interval_in_updates": 2}


@pytest.mark.parametrize(
    "optimizer",
    [{"name": "adamw"}, {"name": "muon"}, {"name": "muon", **OPTIONS}, {"name": "muon", **SOAP}],
    ids=["adamw", "muon", "muon with options", "muon with SOAP"],
)
@pytest.mark.parametrize("dropout", [0.0, 0.2])
@pytest.mark.parametrize("way", ["signal", "exception"])
def test_resumed_is_uninterrupted_bit_for_bit(
    optimizer: dict[str, Any], dropout: float, way: str, trainer: MakeTrainer, changed: Change, weights: Weights
) -> None:
    settings = changed(
        optimizer=optimizer,
        model=dict.fromkeys(("embedding_dropout", "attention_dropout", "residual_dropout"), dropout),
    )
    uninterrupted = trainer(settings, run="uninterrupted")
    uninterrupted.train()
    hook, problem = (signal_at(4), Interrupted) if way == "signal" else (exception_at(5), ZeroDivisionError)
    with pytest.raises(problem):
        trainer(settings, hooks=TrainingHooks(on_update=hook)).train()
    torch.manual_seed(12345)  # another process would have another global generator
    starts: list[tuple[int, int]] = []
    resumed = trainer(settings, hooks=TrainingHooks(on_start=lambda *numbers: starts.append(numbers)))
    resumed.train()
    # The signal arrives while update 4 is recorded, so that update 5 is the one that is finished; the exception loses
    # what came after the checkpoint of update 3.
    assert starts == [(5 if way == "signal" else 3, 8)]
    assert logged(resumed) == logged(uninterrupted)
    expected = weights(uninterrupted)
    assert all(torch.equal(value, expected[name]) for name, value in weights(resumed).items())
    for name, tensor in resumed.gradient_update.optimizers.state().items():
        assert torch.equal(tensor, uninterrupted.gradient_update.optimizers.state()[name]), name


def test_a_run_killed_before_its_first_update_goes_on_from_the_saved_start(
    trainer: MakeTrainer, changed: Change, weights: Weights
) -> None:
    settings = changed(loop={"record_start": True})
    uninterrupted = trainer(settings, run="uninterrupted")
    uninterrupted.train()
    model = GPTModel(settings.model, generator=torch.Generator().manual_seed(1337))

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trainer(settings, hooks=TrainingHooks(on_checkpoint=fail)).train()
    # The weights come from the checkpoint, whatever the second process begins with.
    resumed = trainer(settings, initial_model=model)
    resumed.train()
    assert logged(resumed) == logged(uninterrupted)
    assert all(torch.equal(value, weights(uninterrupted)[name]) for name, value in weights(resumed).items())


def test_time_goes_on_over_a_resume_without_the_pause(trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Interrupted):
        trainer(hooks=TrainingHooks(on_update=signal_at(4))).train()
    now = [1e6]

    def clock() -> float:
        now[0] += 0.25
        return now[0]

    monkeypatch.setattr("time.monotonic", clock)
    resumed = trainer()
    resumed.train()
    elapsed = [row["elapsed_seconds"] for row in resumed.run.metrics()]
    assert elapsed == sorted(elapsed)
    assert 0 < elapsed[5] - elapsed[4] < 10  # not the million seconds since
    assert [row["update"] for row in resumed.run.metrics()] == list(range(1, 9))


def test_samples_of_lost_updates_are_dropped(trainer: MakeTrainer) -> None:
    def sample(model: object, update: int, tokens: int) -> None:
        stopped.run.append_sample({"update": update, "tokens": tokens, "prompt": "", "text": "x"})

    stopped = trainer(hooks=TrainingHooks(on_samples=sample, on_update=exception_at(5)))
    with pytest.raises(ZeroDivisionError):
        stopped.train()
    assert [row["update"] for row in stopped.run.samples()] == [4]
    trainer(hooks=TrainingHooks(on_samples=sample)).train()
    assert [row["update"] for row in stopped.run.samples()] == [4, 8]


def test_a_finished_run_is_left_as_it_is(trainer: MakeTrainer, weights: Weights) -> None:
    first = trainer()
    first.train()
    before = {path: path.read_bytes() for path in first.run.path.rglob("*") if path.is_file()}
    saved: list[Path] = []
    again = trainer(hooks=TrainingHooks(on_checkpoint=saved.append))
    assert again.train().update == 8
    assert saved == []
    assert {path: path.read_bytes() for path in first.run.path.rglob("*") if path.is_file()} == before
    assert all(torch.equal(value, weights(first)[name]) for name, value in weights(again).items())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGUSR1, 143)])
def test_a_signal_finishes_the_update_saves_and_says_how_to_go_on(
    number: int, code: int, trainer: MakeTrainer, messages: list[str]
) -> None:
    before = signal.getsignal(number)
    stopped = trainer(hooks=TrainingHooks(on_update=signal_at(1, number), on_message=messages.append))
    with pytest.raises(Interrupted) as caught:
        stopped.train()
    assert caught.value.exit_code == code
    assert str(caught.value) == (
        f"stopped by {Interrupted.signal_in_words(code - 128)} after update 2; saved in {stopped.run.path}. "
        "The same command goes on from here."
    )
    assert stopped.run.newest_intact_checkpoint()[0].update == 2
    assert signal.getsignal(number) == before
    assert messages == []


def test_a_checkpoint_is_a_model_directory_with_its_state(trainer: MakeTrainer, tokenizer: Tokenizer) -> None:
    trained = trainer()
    state = trained.train()
    path = trained.run.checkpoint_path(8)
    model, saved_tokenizer = load_pretrained(path)
    indices = torch.arange(20).view(2, 10)
    with torch.no_grad():
        assert torch.equal(model(indices), trained.model.eval()(indices))
    assert saved_tokenizer.fingerprint == tokenizer.fingerprint
    content = json.loads((path / "state.json").read_text())
    assert (content["update"], content["tokens"], content["rows"]) == (8, 1024, 32)
    assert content["metrics"] == state.metrics
    assert content["configuration"]["loop"]["seed"] == 1337
    assert (content["tokenizer_name"], content["tokenizer_fingerprint"]) == (tokenizer.name, tokenizer.fingerprint)
    assert content["number_of_ranks"] == 1
    assert not list(path.rglob("*.pt")) + list(path.rglob("*.bin")) + list(path.rglob("*.pkl"))


def test_only_a_checkpoint_that_was_validated_then_has_a_validation_loss(trainer: MakeTrainer) -> None:
    trained = trainer()  # saved after 3, 6 and 8; validated after 4 and 8
    trained.train()
    measured = {record.update: record.validation_loss for record in trained.run.checkpoints()}
    assert measured == {6: None, 8: trained.state.metrics["validation_loss"]}


def test_the_newest_and_the_best_checkpoints_stay_and_the_one_before_the_fall(
    trainer: MakeTrainer, changed: Change
) -> None:
    intervals = {"checkpoint_interval_in_updates": 1, "validation_interval_in_updates": 1, "checkpoints_to_keep": 2}
    trained = trainer(changed(loop=intervals))
    values = iter([5.0, 4.0, 3.0, 4.5, 4.4, 4.3, 4.2, 4.1])
    trained.validation_loss.measure = lambda: next(values)  # type: ignore[method-assign]
    trained.train()
    assert [record.update for record in trained.run.checkpoints()] == [3, 6, 7, 8]


# What does not belong together.


def other_data(text: str, tmp_path: Path, vocabulary_size: int, length: int) -> PreparedData:
    """Shards of the beginning of the text, of a tokenizer learned from its end."""
    tokenizer = Tokenizer.train([text[-length // 2 :]], vocabulary_size=vocabulary_size)
    parts = [Document(f"part {start}", text[start : start + 1000].encode()) for start in range(0, length, 1000)]
    return prepare(parts, tokenizer, tmp_path / "other", validation_fraction=0.3, number_of_processes=1)


def test_data_of_another_tokenizer_is_refused_with_both_names(
    trainer: MakeTrainer, configuration: TrainingConfiguration, text: str, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    first = trainer()
    first.train()
    other = other_data(text, tmp_path, vocabulary_size=320, length=16000)
    foreign = Tokenizer.load(other.directory / "tokenizer")
    assert foreign.fingerprint != tokenizer.fingerprint
    going_on = Trainer(
        configuration,
        run=first.run,
        train_shards=open_shards(other.directory, "train"),
        validation_shards=open_shards(other.directory, "validation"),
        tokenizer=foreign,
    )
    with pytest.raises(ConfigurationError) as caught:
        going_on.train()
    message = str(caught.value)
    assert f"was trained with the tokenizer {tokenizer.name} ({tokenizer.fingerprint})" in message
    assert f"the data is of the tokenizer {foreign.name} ({foreign.fingerprint}). Give the old data" in message


def test_other_text_of_the_same_tokenizer_is_said(
    trainer: MakeTrainer,
    configuration: TrainingConfiguration,
    data: PreparedData,
    tokenizer: Tokenizer,
    tmp_path: Path,
    messages: list[str],
) -> None:
    with pytest.raises(Interrupted):
        trainer(hooks=TrainingHooks(on_update=signal_at(2))).train()
    tokens = open_shards(data.directory, "train").number_of_tokens
    documents = [Document(f"{number}", f"something else entirely, {number}. ".encode() * 40) for number in range(9)]
    other = prepare(documents, tokenizer, tmp_path / "other", validation_fraction=0.3, number_of_processes=1)
    Trainer(
        configuration,
        run=trainer().run,
        train_shards=open_shards(other.directory, "train"),
        validation_shards=open_shards(other.directory, "validation"),
        tokenizer=tokenizer,
        hooks=TrainingHooks(on_message=messages.append),
    ).train()
    assert messages == [
        f"the data had {tokens:,} training tokens and has {other.train.tokens:,} now: they are read in another order"
    ]


def test_a_model_of_another_shape_is_refused(trainer: MakeTrainer, changed: Change) -> None:
    trainer().train()
    with pytest.raises(CorruptFileError, match=r"update-000008 holds a model of another shape: .*number_of_layers=2"):
        trainer(changed(model={"number_of_layers": 1})).train()


def edit_state(trainer: Trainer, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change state.json of the last checkpoint as a foreign program might, manifest and all."""
    path = trainer.run.checkpoint_path(8)
    content = json.loads((path / "state.json").read_text())
    edit(content)
    (path / "state.json").write_text(json.dumps(content))
    write_manifest(path)


def test_a_state_of_another_version_or_without_a_field_is_refused(trainer: MakeTrainer) -> None:
    trained = trainer()
    trained.train()
    edit_state(trained, lambda content: content.pop("rows"))
    with pytest.raises(CorruptFileError, match=r"state.json has no 'rows'\."):
        trainer().train()
    edit_state(trained, lambda content: content.update(version=2))
    with pytest.raises(CorruptFileError, match=r"state.json has version 2; this gpt25 reads version 1\."):
        trainer().train()


def test_an_optimizer_file_that_is_none_is_refused(trainer: MakeTrainer) -> None:
    trained = trainer()
    trained.train()
    path = trained.run.checkpoint_path(8)
    (path / "optimizer.safetensors").write_bytes(b"nothing")
    write_manifest(path)
    with pytest.raises(CorruptFileError, match=r"optimizer.safetensors cannot be read"):
        trainer().train()
