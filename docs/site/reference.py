"""The reference, generated: the public surface from its docstrings, recipes from their fields, commands from --help."""

import ast
import dataclasses
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_COLUMNS = 96
_PUBLIC_RESULTS = ("gpt25.generation.sample.Sample", "gpt25.figures.report.Report")
"""What public functions return beside public names."""


def write_reference(folder: Path) -> None:
    """Write python.md, configuration.md and help.md into the folder; a page that is the same stays untouched."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {"python.md": python_page(), "configuration.md": configuration_page(), "help.md": help_page()}
    for name, text in pages.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def python_page() -> str:
    """Every public name with its signature and docstring."""
    import gpt25
    from gpt25 import errors

    parts = ["# Python", (gpt25.__doc__ or "").strip()]
    for name in (name for name in gpt25.__all__ if name != "figures"):
        parts += _described(f"gpt25.{name}", getattr(gpt25, name))
    for path in _PUBLIC_RESULTS:
        module, _, name = path.rpartition(".")
        parts += _described(name, getattr(importlib.import_module(module), name))
    parts += ["## gpt25.figures", *_prose(gpt25.figures.__doc__)]
    for name in (name for name in gpt25.figures.__all__ if name != "Report"):
        parts += _described(f"figures.{name}", getattr(gpt25.figures, name), level=3)
    parts += ["## gpt25.errors", f"```text\n{inspect.cleandoc(errors.__doc__ or '')}\n```"]
    return "\n\n".join(parts) + "\n"


def configuration_page() -> str:
    """Every field of every section of a recipe: its flag's name, type, default and text."""
    from gpt25.training import TrainingConfiguration

    parts = [
        "# Configuration",
        "What a recipe (`gpt25 train RECIPE`) may say: a key of its TOML section, and a flag, as `[batch]` with "
        "`micro_batch_rows = 8` is `--batch.micro-batch-rows 8`. Defaults are those without a recipe; a packaged one "
        "has its own.",
    ]
    default = TrainingConfiguration()
    for section in dataclasses.fields(TrainingConfiguration):
        value = getattr(default, section.name)
        parts += [f"## {section.name}", *_prose(type(value).__doc__), _fields_list(type(value), value)]
    return "\n\n".join(parts) + "\n"


def help_page() -> str:
    """What every command and subcommand prints for --help."""
    from gpt25.cli.main import COMMANDS, help_text
    from gpt25.cli.parsing import help_of, subcommands

    parts = ["# Help of every command", _literal(help_text())]
    for name in COMMANDS:
        module = importlib.import_module(f"gpt25.cli.commands.{name}")
        parts += [f"## gpt25 {name}", _literal(help_of(module, name, ["--help"], columns=_COLUMNS))]
        for word in subcommands(module):
            text = help_of(module, name, [word, "--help"], columns=_COLUMNS)
            parts += [f"### gpt25 {name} {word}", _literal(text)]
    return "\n\n".join(parts) + "\n"


def _described(title: str, thing: Any, *, level: int = 2) -> list[str]:
    """A class or function: signature, docstring, and of a class its public fields, properties and methods."""
    marks = "#" * level
    name = title.rpartition(".")[2]
    parts = [f"{marks} {title}", f"```python\n{_signature(name, thing)}\n```", *_prose(_own_docstring(thing))]
    if not inspect.isclass(thing):
        return parts
    constructor = vars(thing).get("__init__")
    if constructor is not None and not dataclasses.is_dataclass(thing):
        parts += _prose(constructor.__doc__)
    if dataclasses.is_dataclass(thing):
        parts.append(_fields_list(thing, None))
    for method, member in vars(thing).items():
        function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if method.startswith("_") or not inspect.isfunction(function):
            continue
        parts.append(f"{marks}# {name}.{method}")
        if not isinstance(member, property):
            parts.append(f"```python\n{_signature(method, function)}\n```")
        parts += _prose(function.__doc__)
    return parts


def _own_docstring(thing: Any) -> str | None:
    return thing.__doc__ if not inspect.isclass(thing) else vars(thing).get("__doc__")


def _signature(name: str, thing: Any) -> str:
    """A signature as it is written, an argument a line where it is long; of a class its constructor's."""
    if inspect.isclass(thing) and dataclasses.is_dataclass(thing):
        return f"class {name}"
    function = vars(thing)["__init__"] if inspect.isclass(thing) else thing
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(tree, ast.FunctionDef)
    if tree.args.args and tree.args.args[0].arg in ("self", "cls"):
        del tree.args.args[0]
    result = f" -> {ast.unparse(tree.returns).strip(chr(39))}" if tree.returns and not inspect.isclass(thing) else ""
    arguments = ast.unparse(tree.args)
    if len(name + arguments + result) <= _COLUMNS - 2:
        return f"{name}({arguments}){result}"
    lines = re.sub(r", (?=\*{0,2}\w+: |\*, )", ",\n    ", arguments)
    return f"{name}(\n    {lines},\n){result}"


def _prose(docstring: str | None) -> list[str]:
    """A docstring as paragraphs: lines that name an argument become a list, indented lines an example."""
    parts = []
    for paragraph in inspect.cleandoc(docstring or "").split("\n\n"):
        if paragraph.startswith("    "):
            parts.append(f"```python\n{textwrap.dedent(paragraph)}\n```")
        elif paragraph:
            parts.append(re.sub(r"^([a-z_]+(?:, [a-z_]+)*): ", r"- `\1`: ", _escaped(paragraph), flags=re.MULTILINE))
    return parts


def _escaped(text: str) -> str:
    """Prose in which Markdown's own signs mean themselves, but for code between backticks."""
    pieces = re.split(r"(`[^`\n]+`)", text)
    return "".join(piece if piece.startswith("`") else re.sub(r"([*_<\[\]$|])", r"\\\1", piece) for piece in pieces)


def _fields_list(section: type, default: Any) -> str:
    """Every field with its type, its default and its own text: a list, for tables are too wide for a phone."""
    lines = []
    texts = dict(_field_texts(section))
    for field in dataclasses.fields(section):
        value = getattr(default, field.name) if default is not None else field.default
        kind = field.type if isinstance(field.type, str) else inspect.formatannotation(field.type)
        shown = "" if value is dataclasses.MISSING else f", `{_as_toml(value)}`"
        text = " ".join(_escaped(texts.get(field.name, "")).split())
        lines.append(f"- **{field.name}** (`{_short(kind)}`{shown}): {text}")
    return "\n".join(lines)


def _short(kind: str) -> str:
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", kind)


def _as_toml(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return "[]" if value == () else repr(value).replace("'", '"')


def _field_texts(section: type) -> Iterator[tuple[str, str]]:
    """Every field's own text: the string that stands below it in the class, the bases' first."""
    for base in reversed(section.__mro__):
        if not dataclasses.is_dataclass(base):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(tree, ast.ClassDef)
        for field, text in zip(tree.body, tree.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                yield ast.unparse(field.target), inspect.cleandoc(str(text.value.value))


def _literal(text: str) -> str:
    return f"```text\n{text}\n```"


if __name__ == "__main__":
    write_reference(Path(sys.argv[1]))
