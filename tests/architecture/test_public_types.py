"""The public surface is typed: no name of it takes or returns what no checker can know."""

import importlib.util
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gpt25


def public_functions() -> Iterator[tuple[str, Any]]:
    """Every public function, and every public method and constructor of a public class, with its name."""
    things = [getattr(gpt25, name) for name in gpt25.__all__ if name != "figures"]
    things += [getattr(gpt25.figures, name) for name in gpt25.figures.__all__]
    for thing in things:
        if not inspect.isclass(thing):
            yield thing.__name__, thing
            continue
        for name, member in vars(thing).items():
            function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            if inspect.isfunction(function) and (name == "__init__" or not name.startswith("_")):
                yield f"{thing.__name__}.{name}", function


@pytest.mark.parametrize(("name", "function"), list(public_functions()))
def test_every_argument_and_result_has_a_type(name: str, function: Any) -> None:
    signature = inspect.signature(function)
    untyped = [
        argument.name
        for argument in signature.parameters.values()
        if argument.name not in ("self", "cls") and argument.annotation in (inspect.Parameter.empty, Any, "Any")
    ]
    assert untyped == [], name
    assert signature.return_annotation not in (inspect.Signature.empty, Any, "Any"), name


def test_what_the_type_checker_reads_is_so(tmp_path: Path) -> None:
    specification = importlib.util.spec_from_file_location("public_types", Path(__file__).with_name("public_types.py"))
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.use_everything(tmp_path / "model")
