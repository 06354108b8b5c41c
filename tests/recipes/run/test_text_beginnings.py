"""Samples begin as the texts begin."""

from pathlib import Path

import pytest

from gpt25.data import Document, prepare, split_of
from gpt25.recipes.run.text_beginnings import text_beginnings
from gpt25.tokenizer import Tokenizer

WORDS = ["the", "river", "and", "the", "road", "went", "on", "together", "for", "many", "miles", "until", "evening"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train([" ".join(WORDS * 20)], vocabulary_size=300)


def beginnings(contents: list[str], tokenizer: Tokenizer, path: Path, number: int = 3, **words: object) -> list[str]:
    documents = [Document(str(place), content.encode()) for place, content in enumerate(contents)]
    data = prepare(documents, tokenizer, path, number_of_processes=1, **words)  # type: ignore[arg-type]
    return text_beginnings(data.directory, number=number)


def test_a_beginning_ends_with_the_first_line_or_a_whole_word(tokenizer: Tokenizer, tmp_path: Path) -> None:
    long = " ".join(WORDS * 9) + "\n"
    texts = [f"# A title\n\n{long}", f"\n\nthe river and\n{long}", long]
    first, second, third = beginnings(texts, tokenizer, tmp_path / "out", validation_fraction=0.1)
    assert first == "# A title"
    assert second == "\n\nthe river and"
    assert long.startswith(f"{third} ")
    assert third.count(" ") >= 1


def test_they_are_spread_over_the_documents_and_none_comes_twice(tokenizer: Tokenizer, tmp_path: Path) -> None:
    long = " ".join(WORDS * 5)
    texts = [f"{number % 50}\n{long}" for number in range(90)]
    assert beginnings(texts, tokenizer, tmp_path / "many", validation_fraction=0.1) == ["0", "44", "39"]
    same = [f"{number // 89}\n{long}" for number in range(90)]
    assert beginnings(same, tokenizer, tmp_path / "same", validation_fraction=0.1) == ["0", "1"]


def test_of_many_documents_held_out_ones_begin(tokenizer: Tokenizer, tmp_path: Path) -> None:
    texts = [f"no {number}\n" + " ".join(WORDS) for number in range(150)]
    found = beginnings(texts, tokenizer, tmp_path / "out", validation_fraction=0.2)
    held_out = {
        text.splitlines()[0]
        for text in texts
        if split_of(Document("", text.encode()), validation_fraction=0.2) == "validation"
    }
    assert len(found) == 3
    assert set(found) <= held_out
