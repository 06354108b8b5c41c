from typing import Any

import pytest

from gpt25.records import Extended, extensions_of


def test_each_extension_has_its_own_end() -> None:
    recipe = {"history": {"extensions": [[9, 20], [30, 30]]}, "loop": {"number_of_updates": 50}}
    assert extensions_of(recipe) == [Extended(9, 20, 30), Extended(30, 30, 50)]


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"history": {"extensions": []}, "loop": {"number_of_updates": 50}},
        {"history": {"extensions": [[9]]}, "loop": {"number_of_updates": 50}},
        {"history": {"extensions": [["a", "b"]]}, "loop": {"number_of_updates": 50}},
        {"history": {"extensions": 5}, "loop": {"number_of_updates": 50}},
        {"history": {"extensions": [[9, 20]]}, "loop": {}},
        {"history": 7, "loop": 7},
    ],
)
def test_what_cannot_be_read_is_none(recipe: dict[str, Any]) -> None:
    assert extensions_of(recipe) == []
