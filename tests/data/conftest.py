import pytest

from gpt25.data import Document
from gpt25.tokenizer import Tokenizer

TEXT = "the quick brown fox jumps over a lazy dog while seven wizards box gnomes"


def text_of(number: int, length: int = 60) -> str:
    """A text that differs for every number."""
    words = TEXT.split()
    chosen = [words[(number * 7 + place * (number % 5 + 1)) % len(words)] for place in range(length)]
    return " ".join(chosen) + f" {number}.\n"


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.train([text_of(number) for number in range(50)], vocabulary_size=310)


@pytest.fixture(scope="session")
def documents() -> list[Document]:
    return [Document(f"document {number}", text_of(number).encode()) for number in range(200)]
