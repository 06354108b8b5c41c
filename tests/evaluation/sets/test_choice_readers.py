from collections.abc import Callable
from typing import Any

import pytest

from gpt25.evaluation.protocols.choice_item import ChoiceItem
from gpt25.evaluation.sets import choice_readers as read
from gpt25.evaluation.sets.row_fields import NoAnswerError

HUB_CHOICES = {"text": ["red", "blue"], "label": ["A", "B"]}
HELLASWAG = {
    "activity_label": "Roof",
    "ctx_a": "A man sits.",
    "ctx_b": "he",
    "ctx": "A man sits. he",
    "endings": ["is [step] up.", "falls."],
    "label": "1",
}
RELEASE = {  # what the Allen Institute's own files look like
    "question": {"stem": "The sky is", "choices": [{"text": "red", "label": "A"}, {"text": "blue", "label": "B"}]},
    "answerKey": "B",
}
CASES: list[tuple[Callable[[dict[str, Any]], ChoiceItem], dict[str, Any], str, tuple[str, ...], int]] = [
    (read.hellaswag_completion, HELLASWAG, "A man sits. he", (" is [step] up.", " falls."), 1),
    (read.hellaswag_harness, HELLASWAG, "Roof: A man sits. He", (" is up.", " falls."), 1),
    (
        read.hellaswag_harness,
        {"query": "Roof [title] A man sits. he ", "endings": ["x", "y"], "label": 0},
        "Roof.  A man sits. he".replace("  ", " "),
        (" x", " y"),
        0,
    ),
    (
        read.piqa,
        {"goal": "Open it.", "sol1": "push", "sol2": "pull", "label": 1},
        "Question: Open it.\nAnswer:",
        (" push", " pull"),
        1,
    ),
    (
        read.piqa,
        {"query": "Question: Open it.\n", "choices": ["push", "pull"], "gold": 1},
        "Question: Open it.\nAnswer:",
        (" push", " pull"),
        1,
    ),
    (
        read.arc,
        {"question": "Which?", "choices": HUB_CHOICES, "answerKey": "B"},
        "Question: Which?\nAnswer:",
        (" red", " blue"),
        1,
    ),
    (
        read.arc,
        {"query": "Question: Which?", "choices": ["red", "blue", "green"], "gold": 0},
        "Question: Which?\nAnswer:",
        (" red", " blue", " green"),
        0,
    ),
    (
        read.openbookqa,
        {"question_stem": "The sky is", "choices": HUB_CHOICES, "answerKey": "B "},
        "The sky is",
        (" red", " blue"),
        1,
    ),
    (
        read.openbookqa,
        {"query": "The sky is", "choices": ["red", "blue", "green", "far"], "gold": 1},
        "The sky is",
        (" red", " blue", " green", " far"),
        1,
    ),
    (read.arc, RELEASE, "Question: The sky is\nAnswer:", (" red", " blue"), 1),
    (read.openbookqa, RELEASE, "The sky is", (" red", " blue"), 1),
    (read.commonsense_qa, RELEASE, "Question: The sky is\nA. red\nB. blue\nAnswer:", (" A", " B"), 1),
    (
        read.commonsense_qa,
        {"question": " Which? ", "choices": HUB_CHOICES, "answerKey": "A"},
        "Question: Which?\nA. red\nB. blue\nAnswer:",
        (" A", " B"),
        0,
    ),
    (
        read.commonsense_qa,
        {"query": "Question: Which?\nAnswer:", "choices": ["A", "B"], "gold": 1},
        "Question: Which?\nAnswer:",
        (" A", " B"),
        1,
    ),
    (
        read.copa,
        {
            "premise": "It rained.",
            "question": "effect",
            "choice1": "I got wet.",
            "choice2": "The sun shone.",
            "label": 0,
        },
        "It rained therefore",
        ("  i got wet.", "  the sun shone."),
        0,
    ),
    (
        read.copa,
        {"query": "It rained, therefore", "choices": ["i got wet.", "i slept."], "gold": 0},
        "It rained therefore",
        ("  i got wet.", "  i slept."),
        0,
    ),
    (
        read.siqa,
        {"context": "Al ran.", "question": "Why?", "answerA": "fun", "answerB": "fear", "answerC": "no", "label": "3"},
        "Q: Al ran. Why?\nA:",
        (" fun", " fear", " no"),
        2,
    ),
    (
        read.boolq,
        {"passage": "Water is wet.", "question": "is water wet", "label": 1},
        "Water is wet.\nQuestion: is water wet?\nAnswer:",
        (" no", " yes"),
        1,
    ),
    (
        read.boolq,
        {"passage": "Water is wet.", "question": "is water wet", "answer": True},
        "Water is wet.\nQuestion: is water wet?\nAnswer:",
        (" no", " yes"),
        1,
    ),
    (
        read.boolq,
        {"query": "Passage: Water is wet.\nQuestion: is water wet?", "choices": ["no", "yes"], "gold": 1},
        "Passage: Water is wet.\nQuestion: is water wet?\nAnswer:",
        (" no", " yes"),
        1,
    ),
]


@pytest.mark.parametrize(("reader", "row", "context", "continuations", "gold"), CASES)
def test_rows_become_items(
    reader: Callable[[dict[str, Any]], ChoiceItem],
    row: dict[str, Any],
    context: str,
    continuations: tuple[str, ...],
    gold: int,
) -> None:
    item = reader(row)
    assert item.contexts == (context,) * len(continuations)
    assert (item.continuations, item.gold) == (continuations, gold)


@pytest.mark.parametrize(
    ("reader", "row", "contexts", "rest", "gold"),
    [
        (
            read.winogrande,
            {"sentence": "Ann thanked Sue since _ helped.", "option1": "Ann", "option2": "Sue", "answer": "2"},
            ("Ann thanked Sue since Ann", "Ann thanked Sue since Sue"),
            " helped.",
            1,
        ),
        (
            read.winogrande,
            {"context_options": ["since Ann", "since Sue"], "continuation": "helped.", "gold": 0},
            ("since Ann", "since Sue"),
            " helped.",
            0,
        ),
        (
            read.winograd,
            {"text": "Ann saw it fall.", "pronoun": "it", "pronoun_loc": 8, "options": ["the cup", "Sue"], "label": 1},
            ("Ann saw the cup", "Ann saw Sue"),
            "  fall.",
            1,
        ),
        (
            read.winograd,
            {
                "text": "The man lifted  the boy onto his back.",
                "pronoun": "his",
                "pronoun_loc": 28,
                "options": ["The man", "The boy"],
                "label": 0,
            },
            ("The man lifted the boy onto the man's", "The man lifted the boy onto the boy's"),
            "  back.",
            0,
        ),
        (
            read.winograd,
            {"context_options": ["since Ann", "since Sue"], "continuation": "helped.", "gold": 1},
            ("since Ann", "since Sue"),
            "  helped.",
            1,
        ),
    ],
)
def test_blanks_are_filled_in_the_context(
    reader: Callable[[dict[str, Any]], ChoiceItem],
    row: dict[str, Any],
    contexts: tuple[str, ...],
    rest: str,
    gold: int,
) -> None:
    item = reader(row)
    assert (item.contexts, item.continuations, item.gold) == (contexts, (rest, rest), gold)


def test_pairs_of_sentences_have_the_good_one_first() -> None:
    item = read.blimp({"UID": "agreement", "sentence_good": "He sits.", "sentence_bad": "He sit."})
    assert item == ChoiceItem(("", ""), (" He sits.", " He sit."), 0, group="agreement")


LETTERED = {"question": "Which?", "choices": {"text": ["x", "y", "z"], "label": ["A", "B", "C"]}, "answerKey": "B"}
OF_PIQA = {"goal": "Open it.", "sol1": "push", "sol2": "pull", "label": 1}
BAD_ROWS: list[tuple[Callable[[dict[str, Any]], ChoiceItem], dict[str, Any], dict[str, Any], str]] = [
    (read.hellaswag_completion, HELLASWAG, {"label": "4"}, "label is '4', expected a whole number from 0 to 1"),
    (read.hellaswag_completion, HELLASWAG, {"label": 0.5}, "label is 0.5, expected a whole number"),
    (read.hellaswag_completion, HELLASWAG, {"label": "0.5"}, "label is '0.5', expected a whole number"),
    (read.hellaswag_completion, HELLASWAG, {"label": -2}, "label is -2, expected"),
    (read.hellaswag_completion, HELLASWAG, {"label": "one"}, "label is 'one', expected"),
    (read.hellaswag_completion, HELLASWAG, {"label": [1]}, r"label is \[1\], expected"),
    (read.hellaswag_completion, HELLASWAG, {"endings": "falls"}, "endings is 'falls', expected a list of texts"),
    (read.hellaswag_completion, HELLASWAG, {"endings": ["a", None]}, r"endings\[1\] is None, expected a text"),
    (read.hellaswag_completion, HELLASWAG, {"endings": ["a", " "]}, r"endings\[1\] is empty, expected a text"),
    (read.hellaswag_completion, HELLASWAG, {"endings": []}, "endings has 0 entries, expected at least 1"),
    (read.hellaswag_completion, HELLASWAG, {"ctx": 7}, "ctx is 7, expected a text"),
    (read.hellaswag_harness, HELLASWAG, {"ctx_b": None}, "ctx_b is None"),
    (read.piqa, OF_PIQA, {"label": 2}, "label is 2, expected a whole number from 0 to 1"),
    (read.piqa, {"query": "Q", "choices": ["a", "b", "c", "d"], "gold": 0}, {}, "choices has 4 entries, expected 2"),
    (
        read.arc,
        {"query": "Q", "choices": ["a", "b"], "gold": 0},
        {},
        "2 entries, expected 3 or 4 or 5; it may be of an",
    ),
    (read.arc, {"query": "The sky is", "choices": list("abcd"), "gold": 0}, {}, 'does not begin with "Question:"'),
    (read.arc, {"query": "Question: x\nAnswer:", "choices": list("abcd"), "gold": 0}, {}, 'has "Answer:" already'),
    (read.arc, LETTERED, {"question_concept": "x"}, "the row is of CommonsenseQA"),
    (read.arc, LETTERED, {"answerKey": "D"}, "answerKey is 'D', expected one of A, B, C"),
    (read.arc, LETTERED, {"choices": ["x"]}, "choices are a list, expected an object"),
    (read.arc, LETTERED, {"choices": {"text": ["x"], "label": ["A", "B"]}}, "2 labels and 1 texts"),
    (read.openbookqa, {"query": "Question: x", "choices": list("abcd"), "gold": 0}, {}, "begins with .Question:."),
    (read.commonsense_qa, {"query": "Q", "choices": ["red", "b"], "gold": 0}, {}, "expected letters"),
    (read.copa, {"query": "Open it", "choices": ["a", "b"], "gold": 0}, {}, "ends in 'it', expected because or theref"),
    (read.copa, {"premise": "A.", "question": "why", "choice1": "a", "choice2": "b"}, {}, "'why', expected cause or e"),
    (read.boolq, {"query": "Q", "choices": ["a", "b"], "gold": 0}, {}, "expected no and yes; it may be of another set"),
    (read.winogrande, {"sentence": "No blank.", "option1": "a", "option2": "b"}, {}, "sentence has no blank, a _"),
    (
        read.winograd,
        {"text": "Ann fell.", "pronoun": "it", "pronoun_loc": 9, "options": ["a", "b"]},
        {},
        "pronoun_loc is 9, expected a place in the text, from 0 to 8",
    ),
]


@pytest.mark.parametrize(("reader", "row", "changed", "words"), BAD_ROWS)
def test_what_is_wrong_with_a_row_is_said(
    reader: Callable[[dict[str, Any]], ChoiceItem], row: dict[str, Any], changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as raised:
        reader(row | changed)
    assert not isinstance(raised.value, NoAnswerError)


@pytest.mark.parametrize("label", [None, "", " ", -1, "-1", float("nan")])
def test_an_answer_that_is_not_told_is_no_wrong_row(label: Any) -> None:
    for reader, row, name in (
        (read.hellaswag_completion, HELLASWAG, "label"),
        (read.piqa, OF_PIQA, "label"),
        (read.arc, LETTERED, "answerKey"),
    ):
        with pytest.raises(NoAnswerError, match=f"does not say which answer is right: {name} is "):
            reader(row | {name: label})
    with pytest.raises(NoAnswerError, match="label is missing"):
        read.piqa({name: value for name, value in OF_PIQA.items() if name != "label"})


def test_a_whole_number_counts_however_it_is_written() -> None:
    for label in (1, "1", 1.0, True):
        assert read.hellaswag_completion(HELLASWAG | {"label": label}).gold == 1
