"""What the documents tell people to type exists and is understood; their Python runs; their links lead somewhere."""

import ast
import dataclasses
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import gpt25
from gpt25 import GPTConfiguration, GPTModel, Tokenizer, save_pretrained
from gpt25.cli.main import COMMANDS, COMPLETION_FLAGS
from gpt25.cli.parsing import known_flags, parse, subcommands
from gpt25.cli.shell.completion_script import SHELLS
from gpt25.errors import GPT25Error
from gpt25.training import TrainingConfiguration

ROOT = Path(__file__).parents[2]
LOG = ROOT / "docs" / "log"  # which says what was, too
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    + [page for page in (ROOT / "docs").rglob("*.md") if LOG not in page.parents and page != LOG.with_suffix(".md")]
)
OUR_COMMAND = re.compile(r"(?:\S* ?[^|]*\| )?(?:torchrun .*? -m -- )?(?:\.venv/bin/)?gpt25 (?P<words>.+)")
MARK = re.compile(r"<!-- not run: .+ -->")


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    is_marked: bool
    """Whether the line before it says why it is not run."""
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^(?P<before>[^\n]*\n)?```(?P<language>\w+)\n(?P<text>.*?)^```", text, flags=re.M | re.S):
        line = text.count("\n", 0, found.start("text"))
        marked = MARK.fullmatch((found["before"] or "").strip()) is not None
        yield Block(str(page.relative_to(ROOT)), line, found["language"], marked, found["text"])


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def lines_of(block: Block) -> list[str]:
    """Every command of a shell block, without what explains it; one that goes over several lines is one."""
    lines = block.text.replace("\\\n", " ").splitlines()
    commands = [re.split(r"(?:^|\s)#", line)[0].strip() for line in lines]
    return [line for line in commands if line]


def shell_commands() -> list[tuple[str, str]]:
    return [(block.name, line) for block in BLOCKS if block.language == "sh" for line in lines_of(block)]


@pytest.fixture
def a_place_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the recipe that pages speak of, mine.toml, as docs/how_to/own_text.md has it."""
    monkeypatch.chdir(tmp_path)
    (recipe,) = [block for block in BLOCKS if block.language == "toml" and block.page == "docs/how_to/own_text.md"]
    (tmp_path / "mine.toml").write_text(recipe.text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("place", "line"), [pytest.param(*each, id=" ".join(each)) for each in shell_commands()])
def test_what_a_page_types_is_understood(place: str, line: str, a_place_to_type: Path) -> None:
    """By the command's own parser, values and all; what is no command of ours is looked at below."""
    found = OUR_COMMAND.fullmatch(line)
    if found is None:
        return
    name, *words = shlex.split(found["words"])
    if name in ("--help", "--version"):
        return
    assert name in COMMANDS, place
    try:
        parse(importlib.import_module(f"gpt25.cli.commands.{name}"), name, words)
    except GPT25Error as problem:
        pytest.fail(f"{place}: {problem}")


def test_shell_blocks_are_understood_or_marked() -> None:
    """Other programs than ours need a mark that says why they are not run, `make` apart, whose targets are compared."""
    unmarked = [
        f"{block.name}: {line}"
        for block in BLOCKS
        if block.language == "sh" and not block.is_marked
        for line in lines_of(block)
        if not OUR_COMMAND.fullmatch(line) and not re.fullmatch(r"make [a-z-]+|export \w+=\S+", line)
    ]
    assert unmarked == []


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "python"], ids=lambda block: block.name)
def test_python_of_a_page_runs(block: Block, a_place_to_type: Path) -> None:
    """Where "gpt2" is a directory with a small model, which comes before the Hub."""
    if '"gpt2"' in block.text:
        shape = GPTConfiguration(number_of_layers=4, number_of_heads=12, number_of_embedding_dimensions=252)
        save_pretrained(GPTModel(shape), Tokenizer.gpt2(), a_place_to_type / "gpt2")
    program = compile(block.text, block.name, "exec")
    if not block.is_marked:
        exec(program, {"__name__": "a page"})


def test_blocks_have_a_language_that_is_checked() -> None:
    known = {"sh", "python", "toml", "text", "json", "nginx", "yaml"}
    assert {block.language for block in BLOCKS} <= known
    assert {block.language for block in BLOCKS} >= {"sh", "python", "toml"}


def spans() -> list[str]:
    r"""Every `gpt25 …` between backticks of a page, "\|" of a table read as "|"."""
    found = set()
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8").replace("\\|", "|"), flags=re.S | re.M)
        found |= {span.strip() for span in re.findall(r"`((?:\.venv/bin/)?gpt25 [^`]+)`", text)}
    return sorted(" ".join(span.split()) for span in found)


@pytest.mark.parametrize("line", spans())
def test_command_in_a_sentence_exists(line: str) -> None:
    """Such a line is often shortened, so that only its names are looked at."""
    _, name, *words = shlex.split(line)
    if name in ("--help", "--version", "COMMAND", "…"):
        return
    if name in COMPLETION_FLAGS:
        assert words in ([shell] for shell in SHELLS)
        return
    assert name in COMMANDS, line
    module = importlib.import_module(f"gpt25.cli.commands.{name}")
    offered = subcommands(module)
    for word in words[:1] if offered else []:
        assert set(word.split("|")) <= {*offered, "--help", "…"}, f"{line}: gpt25 {name} has only {offered}"
    leading = [words[0].split("|")[0]] if offered and words else []
    known = known_flags(module, name, leading)
    for flag in re.findall(r"(?<![\w-])--[a-z][\w.-]*", " ".join(words)):
        assert flag in known, f"{line}: {flag} is not one of {sorted(known)}"


def test_every_command_is_in_the_table_of_commands() -> None:
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"`gpt25 {name}" not in text] == []


def test_make_targets_in_the_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        mentioned = {*re.findall(r"`make ([a-z-]+)`", text), *re.findall(r"^make ([a-z-]+)", text, flags=re.MULTILINE)}
        assert mentioned <= targets, page.name


def test_python_in_the_readme_uses_public_names() -> None:
    code = "\n".join(block.text for block in BLOCKS if block.page == "README.md" and block.language == "python")
    imported = {
        alias.name
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and node.module == "gpt25"
        for alias in node.names
    }
    assert imported
    assert imported <= set(gpt25.__all__)


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
    named = {(page.name, name) for page in PAGES for name in options_named(page.read_text(encoding="utf-8"))}
    assert {name for _, name in named} >= {"optimizer.bias_rate_multiplier", "batch.smaller_updates"}
    assert {(page, name) for page, name in named if name not in there} == set()


def test_options_are_found_where_they_are_named() -> None:
    found = options_named("`batch.x_y = 3` or `--loop.some-thing 2`, `.more_so`; `model.py`, `a.model_b` and batch.y_z")
    assert found == {"batch.x_y", "loop.some_thing", "loop.more_so"}


def test_files_that_documents_name_exist() -> None:
    named = {
        (page.name, path)
        for page in PAGES
        for path in re.findall(r"`((?:gpt25|tests|benchmarks|docs)/[\w/.-]+)`", page.read_text(encoding="utf-8"))
    }
    assert len(named) > 20
    dead = {(page, path) for page, path in named if not (ROOT / path).exists() and "NAME" not in path}
    assert dead == set()


def anchors_of(page: Path) -> set[str]:
    """What GitHub and the site make of a page's headings: "## Why, then?" -> "why-then"; a second one gets "-1"."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    anchors: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", text, flags=re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = sum(each == anchor or each.startswith(f"{anchor}-") for each in anchors)
        anchors.add(anchor if anchor not in anchors else f"{anchor}-{number}")
    return anchors


def dead_links(pages: list[Path]) -> list[str]:
    dead = []
    for page in pages:
        text = re.sub(r"^```.*?^```|`[^`\n]+`", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
        for target in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)", text):
            path, _, anchor = target.partition("#")
            file = (page.parent / path) if path else page
            if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors_of(file)):
                dead.append(f"{page.name}: {target}")
    return dead


def test_links_of_documents_lead_somewhere() -> None:
    assert dead_links([*PAGES, LOG.with_suffix(".md"), *LOG.glob("*.md")]) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# One, two\n\n[x](b.md) [y](#one-two) [z](#three) [w](a.md#one-two) `[v](c.md)`\n")
    assert dead_links([tmp_path / "a.md"]) == ["a.md: b.md", "a.md: #three"]


def test_the_log_s_index_names_every_entry() -> None:
    index = (ROOT / "docs/log.md").read_text(encoding="utf-8")
    listed = re.findall(r"^- \[(.+)\]\(log/(\w+)\.md#", index, flags=re.MULTILINE)
    there = [
        (heading, page.stem)
        for page in LOG.glob("*.md")
        for heading in re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    ]
    assert sorted(listed) == sorted(there)
