"""Recipes: a whole training configuration as a TOML file, strict about every key."""

import dataclasses
import difflib
from collections.abc import Iterable
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import tomli_w

from gpt25.errors import ConfigurationError
from gpt25.records import RunDirectory
from gpt25.storage import is_file, parse_toml, read_toml_text
from gpt25.storage.paths.path_questions import path_kind, what_is
from gpt25.storage.reading.json_values import short
from gpt25.storage.reading.record import value_from
from gpt25.training import TrainingConfiguration

_SUFFIX = ".toml"
_NONE = "none"
_FORMER_KEYS = {("data", "json_field"): "field"}
"""What recipes of earlier releases, also those that runs keep, call a key: (section, key) -> its name now."""
_PLAIN = (bool, int, float, str)


def recipe_names() -> list[str]:
    """The recipes inside the package, sorted."""
    return sorted(entry.name.removesuffix(_SUFFIX) for entry in _packaged().iterdir() if entry.name.endswith(_SUFFIX))


def _packaged() -> Traversable:
    """The folder of the package's own recipes."""
    return files("gpt25.recipes") / "toml"


def load_recipe(name_or_path: str | Path) -> TrainingConfiguration:
    """The configuration of a recipe: a name in the package, or the path of a TOML file.

    Raises ConfigurationError for an unknown name, an unknown section or key (naming the nearest), or a value of the
    wrong type or range; CorruptFileError for a file that is not TOML.
    """
    text, source = _text_of(name_or_path)
    return parse_recipe(text, source=source)


def stated_keys(name_or_path: str | Path) -> dict[str, set[str]]:
    """The keys that a recipe spells out, by section: {"loop": {"seed"}}; raises what `load_recipe` does."""
    text, source = _text_of(name_or_path)
    return {
        section: set(_with_present_keys(section, values, where=source))
        for section, values in parse_toml(text, where=source).items()
    }


def _text_of(name_or_path: str | Path) -> tuple[str, str]:
    """A recipe's TOML, and what to call it."""
    if str(name_or_path) in recipe_names():
        return (_packaged() / f"{name_or_path}{_SUFFIX}").read_text(encoding="utf-8"), f"recipe {name_or_path}"
    path = Path(name_or_path)
    _require_recipe_file(path)
    text = read_toml_text(path)
    if not parse_toml(text, where=str(path)):
        raise ConfigurationError(
            f"{path} says nothing: a recipe has sections, such as [data], with what differs from GPT-2 124M on "
            "Python's standard library."
        )
    return text, str(path)


def _require_recipe_file(path: Path) -> None:
    """Raise ConfigurationError for what is no file, and for a name that is neither a recipe's nor a TOML file's."""
    kind = path_kind(path)
    if kind == "directory":
        own = RunDirectory(path).recipe_path
        also = f", such as {own}, by which the run there was made" if is_file(own) else ""
        raise ConfigurationError(
            f"{path} is a directory, no recipe. A recipe is one of {', '.join(recipe_names())}, or a .toml file{also}."
        )
    if kind == "special":
        raise ConfigurationError(
            f"{path} is {what_is(path)}; a recipe is read more than once. Write it into a .toml file."
        )
    if kind is None and path.suffix != _SUFFIX:
        near = difflib.get_close_matches(str(path).lower().replace("-", "_"), recipe_names(), n=1, cutoff=0.6)
        meant = f"; did you mean {near[0]}?" if near else "."
        raise ConfigurationError(
            f"there is no recipe {str(path)!r}{meant} Choose one of {', '.join(recipe_names())}, or the path of a "
            ".toml file."
        )


def parse_recipe(text: str, *, source: str) -> TrainingConfiguration:
    """The configuration that a TOML text describes; sections and keys that it leaves out have their defaults."""
    content = parse_toml(text, where=source)
    defaults = TrainingConfiguration()
    sections = {field.name: getattr(defaults, field.name) for field in dataclasses.fields(defaults)}
    for section, default in sections.items():
        for key in content.keys() & {field.name for field in dataclasses.fields(default)} - sections.keys():
            raise ConfigurationError(f"{source} has {key!r} outside of its section; put it below [{section}].")
    _require_known(content, sections, where=source)
    changed = {}
    for name, values in content.items():
        if not isinstance(values, dict):
            raise ConfigurationError(f"{source}: {name} is {short(values)}; it must be a section, [{name}].")
        values = _with_present_keys(name, values, where=f"{source}, [{name}]")
        changed[name] = _section(sections[name], values, where=f"{source}, [{name}]")
    try:
        return TrainingConfiguration(**changed)
    except ConfigurationError as problem:
        raise ConfigurationError(f"{source}: {problem}") from problem


def recipe_text(configuration: TrainingConfiguration) -> str:
    """The configuration as TOML, every key spelled out, which parse_recipe reads back as the same configuration.

    TOML has no null: a key whose value is None is left out where that is the default, and "none" elsewhere.
    """
    defaults = dataclasses.asdict(TrainingConfiguration())
    content = {
        section: {
            key: _NONE if value is None else value
            for key, value in values.items()
            if value is not None or defaults[section][key] is not None
        }
        for section, values in dataclasses.asdict(configuration).items()
    }
    return tomli_w.dumps(content)


def differences(first: TrainingConfiguration, second: TrainingConfiguration) -> dict[str, tuple[Any, Any]]:
    """Fields that differ, as "section.field": (value in the first, value in the second)."""
    values_of_first, values_of_second = dataclasses.asdict(first), dataclasses.asdict(second)
    return {
        f"{section}.{key}": (value, values_of_second[section][key])
        for section, values in values_of_first.items()
        for key, value in values.items()
        if value != values_of_second[section][key]
    }


def _with_present_keys(section: str, values: dict[str, Any], *, where: str) -> dict[str, Any]:
    """The values of a section by the names that its keys have now."""
    present = dict(values)
    for (former_section, former), name in _FORMER_KEYS.items():
        if former_section == section and former in present:
            if name in present:
                raise ConfigurationError(f"{where} has {former!r} and {name!r}, which are one; keep {name!r}.")
            present[name] = present.pop(former)
    return present


def _section(default: Any, values: dict[str, Any], *, where: str) -> Any:
    hints = get_type_hints(type(default))
    _require_known(values, hints, where=where)
    typed = {key: _typed(value, hints[key], f"{where} {key}") for key, value in values.items()}
    try:
        return dataclasses.replace(default, **typed)
    except ConfigurationError as problem:
        raise ConfigurationError(f"{where}: {problem}") from problem


def _require_known(keys: Iterable[str], known: dict[str, Any], *, where: str) -> None:
    for key in keys:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise ConfigurationError(f"{where} has no key {key!r}; did you mean {nearest!r}?")


def _typed(value: Any, hint: Any, where: str) -> Any:
    """A TOML value as the field's type: whole numbers serve as floats, lists as tuples, "none" as None; no more."""
    choices = get_args(hint) if get_origin(hint) in (UnionType, Union) else (hint,)
    if value == _NONE and type(None) in choices:
        return None
    if any(choice in _PLAIN for choice in choices):
        return value_from(value, hint, where=where)
    # Choices are checked, and lists understood, by the section itself.
    return _as_tuple(value)


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(item) for item in value) if isinstance(value, list) else value
