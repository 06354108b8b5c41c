"""A number with its noun, in one place for all floors."""

import pytest

from gpt25.counted import counted


@pytest.mark.parametrize(
    ("number", "plural", "words"),
    [
        (1, "minutes", "1 minute"),
        (1.0, "minutes", "1 minute"),
        (1.5, "minutes", "1.5 minutes"),
        (0, "heads", "0 heads"),
        (1, "entries", "1 entry"),
        (1234, "hidden files", "1,234 hidden files"),
    ],
)
def test_a_noun_is_of_one_or_of_many(number: float, plural: str, words: str) -> None:
    assert counted(number, plural) == words
