"""What the documents tell people to type exists: commands, subcommands, flags, make targets and Python names."""

import ast
import dataclasses
import importlib
import re
import shlex
from pathlib import Path

import pytest

import gpt25
from gpt25.cli.main import COMMANDS, COMPLETION_FLAGS
from gpt25.cli.parsing import known_flags, subcommands
from gpt25.cli.shell.completion_script import SHELLS
from gpt25.training import TrainingConfiguration

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs" / "design.md"]


def fenced(document: Path, language: str) -> str:
    text = document.read_text(encoding="utf-8")
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE))


def command_lines() -> list[str]:
    """Every `gpt25 …` in a shell block or between backticks, "\\|" of a table read as "|"."""
    lines = set()
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8").replace("\\|", "|")
        shell = fenced(document, "sh").replace("\\\n", " ").splitlines()
        spans = re.findall(r"`((?:\.venv/bin/)?gpt25 [^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M))
        lines |= {
            line.partition("  #")[0].strip() for line in [*shell, *spans] if re.match(r"(\.venv/bin/)?gpt25 ", line)
        }
    return sorted(lines)


def test_the_documents_name_commands() -> None:
    assert len(command_lines()) >= len(COMMANDS)


@pytest.mark.parametrize("line", command_lines())
def test_command_in_a_document_exists(line: str) -> None:
    _, name, *words = shlex.split(line)
    if name in ("--help", "--version", "COMMAND"):
        return
    if name in COMPLETION_FLAGS:
        assert words in ([shell] for shell in SHELLS)
        return
    assert name in COMMANDS, line
    module = importlib.import_module(f"gpt25.cli.commands.{name}")
    offered = subcommands(module)
    for word in words[:1] if offered else []:
        assert set(word.split("|")) <= {*offered, "--help"}, f"{line}: gpt25 {name} has only {offered}"
    leading = [words[0].split("|")[0]] if offered and words else []
    known = known_flags(module, name, leading)
    for flag in re.findall(r"(?<![\w-])--[a-z][\w.-]*", " ".join(words)):
        assert flag in known, f"{line}: {flag} is not one of {sorted(known)}"


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"`gpt25 {name}" not in text] == []


def test_make_targets_in_the_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        mentioned = {*re.findall(r"`make ([a-z-]+)`", text), *re.findall(r"^make ([a-z-]+)", text, flags=re.MULTILINE)}
        assert mentioned <= targets, document.name


def test_python_in_the_readme_uses_public_names() -> None:
    tree = ast.parse(fenced(ROOT / "README.md", "python"))
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "gpt25"
        for alias in node.names
    }
    assert imported == set(gpt25.__all__)


def test_links_in_the_documents_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
            if not target.startswith("https://"):
                assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_continuous_integration_runs_make_test_and_nothing_else() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [line for line in script.splitlines() if line and not line.startswith("#")]
    assert commands == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "make test"]


def options_named(text: str) -> set[str]:
    """Every `section.some_field` between backticks, in a recipe's spelling or a flag's; `.field` repeats the section.

    Of one word are also files' endings and attributes, so that a field of one word is not looked at.
    """
    sections = "|".join(field.name for field in dataclasses.fields(TrainingConfiguration))
    named, section = set(), ""
    for span in re.findall(r"`([^`\n]+)`", text):
        for before, field in re.findall(rf"(?:^|[\s-])({sections})?\.([a-z0-9]+(?:[_-][a-z0-9]+)+)\b(?![./(])", span):
            section = before or section
            named.add(f"{section}.{field.replace('-', '_')}")
    return named


def test_options_in_a_document_exist() -> None:
    there = {
        f"{section.name}.{field.name}"
        for section in dataclasses.fields(TrainingConfiguration)
        for field in dataclasses.fields(getattr(TrainingConfiguration(), section.name))
    }
    named = {
        (document.name, name)
        for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
        for name in options_named(document.read_text(encoding="utf-8"))
        if document.name != "log.md"  # which says what was, too
    }
    assert {name for _, name in named} >= {"optimizer.bias_rate_multiplier", "batch.smaller_updates"}
    assert {(document, name) for document, name in named if name not in there} == set()


def test_options_are_found_where_they_are_named() -> None:
    found = options_named("`batch.x_y = 3` or `--loop.some-thing 2`, `.more_so`; `model.py`, `a.model_b` and batch.y_z")
    assert found == {"batch.x_y", "loop.some_thing", "loop.more_so"}


def test_files_that_documents_name_exist() -> None:
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    named = {
        (document.name, path)
        for document in documents
        for path in re.findall(r"`((?:gpt25|tests|benchmarks|docs)/[\w/.-]+)`", document.read_text(encoding="utf-8"))
    }
    assert len(named) > 20
    dead = {(document, path) for document, path in named if not (ROOT / path).exists() and "NAME" not in path}
    assert dead == set()


def test_links_of_documents_lead_somewhere() -> None:
    dead = [
        (document.name, target)
        for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\((?!https?:)([^)#\s]+)", document.read_text(encoding="utf-8"))
        if not (document.parent / target).exists()
    ]
    assert dead == []


def test_the_log_s_index_names_every_entry() -> None:
    index = (ROOT / "docs/log.md").read_text(encoding="utf-8")
    listed = re.findall(r"^- \[(.+)\]\(log/(\w+)\.md#", index, flags=re.MULTILINE)
    there = [
        (heading, page.stem)
        for page in (ROOT / "docs/log").glob("*.md")
        for heading in re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    ]
    assert sorted(listed) == sorted(there)
