"""Help says what can be typed."""

import importlib
import re

import pytest

from gpt25.cli.main import COMMANDS
from gpt25.cli.parsing import help_of, subcommands
from gpt25.cli.words.plain_help import plain_help


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("│ --tasks {None}|{[STR [STR ...]]} │", "│ --tasks [STR ...]                │"),
        ("│ --type {None,float16,q8_0}  x │", "│ --type {float16,q8_0}       x │"),
        ("│ --batch [FLOAT INT [FLOAT INT ...]] │", "│ --batch [FLOAT INT ...]             │"),
        ("│ A set. (default: None) │", "│ A set. (default: none) │"),
        ("│ A switch. (default: False) │", "│ A switch.                  │"),
    ],
)
def test_python_s_types_are_not_shown_and_boxes_stay_straight(line: str, expected: str) -> None:
    assert plain_help(line) == expected


def helps() -> list[tuple[str, tuple[str, ...]]]:
    modules = {name: importlib.import_module(f"gpt25.cli.commands.{name}") for name in COMMANDS}
    return [
        (name, words) for name, module in modules.items() for words in [(each,) for each in subcommands(module)] or [()]
    ]


@pytest.mark.parametrize(("name", "words"), helps())
def test_no_command_s_help_speaks_of_classes(name: str, words: tuple[str, ...]) -> None:
    module = importlib.import_module(f"gpt25.cli.commands.{name}")
    text = help_of(module, name, [*words, "--help"], columns=100)
    assert "--json" in text
    found = re.search(r"\bNone\b|ValueError|ConfigurationError|dataclass|construct|\binstance\b|__\w+__", text)
    assert found is None, f"{found}"
