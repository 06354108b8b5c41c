import pytest

from gpt25.errors import DataError
from gpt25.evaluation.sets.cloze_reader import cloze_item, cloze_rows

ROW = {
    "sentences": ["The fox sat .", "`` Hello , '' he said ."],
    "question": "Then the XXXXX , who was n't there , left .",
    "answer": "dog",
    "options": ["cat", "dog"],
}
RELEASE = """1 The fox sat .
2 `` Hello , '' he said .
21 Then the XXXXX , who was n't there , left .\tdog\t\tcat|dog

1 Another story .
21 It was XXXXX .\tred\t\tred|blue
"""


def test_every_option_is_scored_with_the_rest_of_the_sentence() -> None:
    item = cloze_item(ROW)
    assert item.contexts == ('The fox sat. "Hello," he said. Then the',) * 2
    assert item.continuations == (" cat, who wasn't there, left.", " dog, who wasn't there, left.")
    assert item.gold == 1


def test_a_blank_at_the_beginning_leaves_the_story_as_context() -> None:
    item = cloze_item(ROW | {"question": "XXXXX left ."})
    assert item.contexts[0] == 'The fox sat. "Hello," he said.'
    assert item.continuations == (" cat left.", " dog left.")


def test_the_releases_own_files_are_read() -> None:
    first, second = cloze_rows({"text": line} for line in RELEASE.splitlines())
    assert first == ROW
    assert second["sentences"] == ["Another story ."]
    assert cloze_item(second).gold == 0


def test_other_rows_pass_through() -> None:
    assert list(cloze_rows([ROW])) == [ROW]


def test_a_damaged_question_is_refused() -> None:
    with pytest.raises(DataError, match="has 2 fields, expected question, answer and options with tabs between"):
        list(cloze_rows([{"text": "21 It was XXXXX .\tred"}]))
