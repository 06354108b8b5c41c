from collections.abc import Callable
from typing import Any

import pytest

from gpt25.evaluation.protocols.choice_item import ChoiceItem
from gpt25.evaluation.sets import choice_readers as read

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
        {"query": "Question: Which?", "choices": ["red", "blue"], "gold": 0},
        "Question: Which?\nAnswer:",
        (" red", " blue"),
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
        {"query": "The sky is", "choices": ["red", "blue"], "gold": 1},
        "The sky is",
        (" red", " blue"),
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
        (" i got wet.", " the sun shone."),
        0,
    ),
    (
        read.copa,
        {"query": "It rained, therefore", "choices": ["i got wet.", "i slept."], "gold": 0},
        "It rained, therefore",
        (" i got wet.", " i slept."),
        0,
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
            " fall.",
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
