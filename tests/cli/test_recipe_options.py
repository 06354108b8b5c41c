"""Every option of every section, whichever there are: settable in a recipe's TOML and, but for [start], by a flag."""

import dataclasses
import json
import tomllib
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from gpt25.cli.commands import train
from gpt25.cli.main import main
from gpt25.cli.parsing import parse
from gpt25.recipes import load_recipe
from gpt25.training import BatchConfiguration, ScheduleConfiguration, TrainingConfiguration

# What the options are changed from: a field's rules may depend on its neighbours', and these leave most of them free.
BASE = """
[batch]
tokens_per_update = 4096
[schedule]
name = "trapezoid"
"""
BASE_RECIPE = TrainingConfiguration(
    batch=BatchConfiguration(tokens_per_update=4096), schedule=ScheduleConfiguration(name="trapezoid")
)
CHOSEN: dict[str, Any] = {  # where any other value of the type will not do
    "model.block_size": 512,  # divides the tokens of an update
    "model.number_of_heads": 6,  # divides the channels
    "model.number_of_embedding_dimensions": 1536,  # a multiple of the heads
    "batch.tokens_per_update": 2048,  # a multiple of the block size
    "batch.smaller_updates": ((0.25, 1024), (0.5, 2048)),  # multiples of the block size
    "batch.short_sequences": ((0.25, 64), (0.5, 128)),
    "data.texts": ("a.txt", "b.txt"),
    "data.encoding": "cp1252",  # one that Python knows
    "track.loss_at_most": ((100.0, 7.0), (500.0, 5.0)),
    "history.extensions": ((10, 20), (20, 30)),  # shorter than the run
}
_NO_FLAG = (  # for recipes and for run.toml alone
    "start.required",
    "start.weights_sha256",
    "history.begun_by",
    "history.recipe",
    "history.extensions",
)


def options() -> Iterator[tuple[str, Any, Any]]:
    """Every option as "section.field", with its type and its default."""
    for section in dataclasses.fields(TrainingConfiguration):
        default = getattr(TrainingConfiguration(), section.name)
        hints = typing.get_type_hints(type(default))
        for field in dataclasses.fields(default):
            yield f"{section.name}.{field.name}", hints[field.name], getattr(default, field.name)


OPTIONS = {name: (hint, default) for name, hint, default in options()}


def another(name: str) -> Any:
    """A value of the option's type that is not the one in BASE."""
    if name in CHOSEN:
        return CHOSEN[name]
    hint, value = OPTIONS[name][0], value_of(BASE_RECIPE, name)
    choices = get_args(hint) if get_origin(hint) in (types.UnionType, typing.Union) else (hint,)
    words = [word for choice in choices if get_origin(choice) is Literal for word in get_args(choice)]
    if words and bool not in choices:
        return next(word for word in words if word != value)
    kind = next((choice for choice in choices if choice in (bool, int, float, str)), None)
    assert kind is not None, f"{name} is no number, text or choice: say in CHOSEN what it can be"
    if kind is bool:
        return value is not True
    if kind is str:
        return "another"
    if kind is int:
        return 7 if value is None else value + 1
    return 0.5 if value is None else value / 2 if value else 0.25


def value_of(configuration: TrainingConfiguration, name: str) -> Any:
    section, _, field = name.partition(".")
    return getattr(getattr(configuration, section), field)


def in_words(value: Any) -> list[str]:
    """The words behind a flag: lists and pairs one value after the other, and none behind a switch, which is on."""
    if value is True:
        return []
    if isinstance(value, tuple):
        return [word for each in value for word in in_words(each)]
    return [str(value)]


def changed_by_hand(name: str, value: Any) -> TrainingConfiguration:
    section, _, field = name.partition(".")
    part = dataclasses.replace(getattr(BASE_RECIPE, section), **{field: value})
    return dataclasses.replace(BASE_RECIPE, **{section: part})


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "base.toml"
    path.write_text(BASE)
    return path


@pytest.mark.parametrize("name", OPTIONS)
def test_a_recipe_sets_it_and_nothing_else(name: str, tmp_path: Path) -> None:
    value = another(name)
    section, _, field = name.partition(".")
    content = tomllib.loads(BASE)
    content.setdefault(section, {})[field] = value
    path = tmp_path / "mine.toml"
    path.write_text(
        "\n".join(
            f"[{heading}]\n" + "\n".join(f"{key} = {json.dumps(each)}" for key, each in keys.items())
            for heading, keys in content.items()
        )
    )
    found = load_recipe(path)
    assert value_of(found, name) == value != value_of(BASE_RECIPE, name)
    assert type(value_of(found, name)) is type(value)
    assert found == changed_by_hand(name, value)


@pytest.mark.parametrize("name", [name for name in OPTIONS if name not in _NO_FLAG])
def test_a_flag_sets_it_and_nothing_else(name: str, base: Path) -> None:
    value = another(name)
    flag = "--start" if name == "start.model" else f"--{name.replace('_', '-')}"
    arguments = parse(train, "train", [str(base), flag, *in_words(value)])
    found = arguments.configuration()
    assert value_of(found, name) == value
    assert type(value_of(found, name)) is type(value)
    assert found == changed_by_hand(name, value)


SWITCHES = [name for name, (hint, _) in OPTIONS.items() if hint is bool or bool in get_args(hint)]
CAN_BE_OFF = [name for name, (hint, _) in OPTIONS.items() if type(None) in get_args(hint)]


@pytest.mark.parametrize("name", [name for name in SWITCHES if name not in _NO_FLAG])
def test_a_switch_that_is_on_in_the_recipe_is_switched_by_a_word(name: str, tmp_path: Path) -> None:
    section, _, field = name.partition(".")
    path = tmp_path / "mine.toml"
    path.write_text(f"{BASE}\n[{section}]\n{field} = true\n")
    flag = f"--{name.replace('_', '-')}"
    for words, expected in (([], True), ([flag], True), ([flag, "true"], True), ([flag, "false"], False)):
        found = parse(train, "train", [str(path), *words]).configuration()
        assert value_of(found, name) is expected


@pytest.mark.parametrize("name", [name for name in CAN_BE_OFF if name not in _NO_FLAG])
def test_what_can_be_off_is_switched_off_by_a_word(name: str, tmp_path: Path) -> None:
    section, _, field = name.partition(".")
    path = tmp_path / "mine.toml"
    path.write_text(f"{BASE}\n[{section}]\n{field} = {json.dumps(another(name))}\n")
    flag = "--start" if name == "start.model" else f"--{name.replace('_', '-')}"
    assert value_of(parse(train, "train", [str(path)]).configuration(), name) == another(name)
    assert value_of(parse(train, "train", [str(path), flag, "none"]).configuration(), name) is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--start", "gpt2", "--initialisation.zero-residual-projections"],
            "--initialisation.zero-residual-projections is True; it must be false where start.model is 'gpt2': only "
            "random weights begin so.",
        ),
        (
            ["--optimizer.gain-rate-multiplier=-1"],
            "--optimizer.gain-rate-multiplier is -1.0; it must be 0 or a positive number.",
        ),
        (
            ["--schedule.name", "constant", "--schedule.decay-shape", "square_root"],
            "--schedule.decay-shape is 'square_root'; it must be linear where schedule.name is 'constant': only the "
            "fall of a trapezoid has a shape.",
        ),
        (["--schedule.decay-shape", "cubic"], "'cubic' is no choice of --schedule.decay-shape; it is one of "),
    ],
)
def test_an_option_that_cannot_be_is_the_users_mistake(
    words: list[str], message: str, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(base), "--run", str(tmp_path / "run"), *words]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert "Traceback" not in printed.err
    assert not (tmp_path / "run").exists()


def test_what_is_chosen_here_is_an_option_and() -> None:
    assert CHOSEN.keys() | set(_NO_FLAG) <= OPTIONS.keys()
    assert len(OPTIONS) > 60
