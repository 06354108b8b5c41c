"""The README is a first screen, and what it shows is what its commands do."""

import re
import shlex
from pathlib import Path

import pytest

from gpt25 import GPTConfiguration, GPTModel, Tokenizer, save_pretrained
from gpt25.cli.main import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands(name: str) -> list[list[str]]:
    """The words behind every `gpt25 NAME` of its shell blocks."""
    shell = "\n".join(re.findall(r"^```sh\n(.*?)^```", README, flags=re.M | re.S))
    lines = re.findall(rf"gpt25 ({name}\b[^#\n]*)", shell)
    return [shlex.split(line) for line in lines]


def test_it_is_short() -> None:
    assert len(README.splitlines()) < 120


def test_pictures_are_there_and_small() -> None:
    pictures = [ROOT / path for path in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)]
    assert len(pictures) == 2
    assert all(path.stat().st_size < 100_000 for path in pictures)


def test_its_text_is_written_by_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tokenizer = Tokenizer.train([], vocabulary_size=257)  # the bytes
    shape = GPTConfiguration(
        vocabulary_size=257, block_size=128, number_of_layers=1, number_of_heads=1, number_of_embedding_dimensions=8
    )
    save_pretrained(GPTModel(shape), tokenizer, "runs/quickstart")
    (words,) = commands("generate")
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert printed.count("def main(") == int(words[words.index("--samples") + 1])
    headings = re.findall(r"^--- sample \d of \d ---$", README, flags=re.M)
    assert headings
    assert set(headings) <= set(printed.splitlines())


def test_its_three_machines_begin_with_known_commands() -> None:
    assert len(commands("quickstart")) == 1
    assert [words[words.index("--price-per-hour") + 1] for words in commands("reproduce")] == ["3", "24"]
