"""What the documents tell people to type exists: commands, subcommands, flags, make targets and Python names."""

import ast
import importlib
import re
import shlex
from pathlib import Path

import pytest

import gpt25
from gpt25.cli.main import COMMANDS
from gpt25.cli.parsing import known_flags, subcommands

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
