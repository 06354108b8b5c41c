"""The sets' own releases against the rows that DCLM's files hold, whose forms are copied here from those files."""

import json
from pathlib import Path
from typing import Any

import pytest

from gpt25.errors import DataError
from gpt25.evaluation.core.core import find_core_files
from gpt25.evaluation.core.core_rows import DIFFERENCES, read_core_rows
from gpt25.evaluation.core.core_tasks import CORE_TASKS

STORY = (
    "Below is a story followed by a series of related questions. Please answer the final question by referring to the "
    "story and the previous questions.\nStory: A cat sat. It ran."
)
COQA = [
    {"context": f"{STORY}\n\nFinal question:\nQuestion: Who sat?\nAnswer: ", "continuation": "a cat"},
    {
        "context": f"{STORY}\nPreceding questions:\nQuestion: Who sat?\nAnswer: a cat\n\n"
        "Final question:\nQuestion: And then?\nAnswer: ",
        "continuation": "it ran",
    },
]
SQUAD = [{"context": "Context: The cat sat.\nQuestion: Who sat?\nAnswer: ", "continuation": "The cat"}]
ARC = [{"query": "Question: What falls?", "choices": ["rain", "light"], "gold": 1}]
LABELLED = {"text": ["rain", "light"], "label": ["1", "2"]}
BLANK = [{"context_options": ["Ann saw Sue so Ann", "Ann saw Sue so Sue"], "continuation": "ran.", "gold": 1}]
LSAT = [
    {
        "query": "Passage: Five walk.\nQ: Who leads?\nChoices:\nA.) Ann\nB.) Bob (the first)\nAnswer:",
        "choices": ["A", "B"],
        "gold": 1,
    }
]
LANGUAGE = [
    {
        "query": "Given a sentence, select the correct language among the choices\nSentence: Ein Satz.\nA. Hdi\n"
        "B. German\nC. Swedish\nAnswer: ",
        "choices": ["A", "B", "C"],
        "gold": 1,
    }
]
COMMONSENSE = [
    {"query": "Question: Where?\nChoices:\nA. bank\nB. mall\nAnswer:", "choices": ["A", "B"], "gold": 1},
]

OWN: list[tuple[str, str, Any, list[dict[str, Any]]]] = [
    (
        "jeopardy",
        "JEOPARDY_QUESTIONS1.json",
        [
            {
                "category": "World History",
                "question": "'It fell in 1453'",
                "answer": "Constantinople",
                "round": "Jeopardy!",
            }
        ],
        [{"context": "WORLD HISTORY: It fell in 1453", "continuation": "Constantinople"}],
    ),
    (
        "arc_challenge",
        "ARC-Challenge-Test.jsonl",
        {
            "question": {
                "stem": "What falls?",
                "choices": [{"text": "rain", "label": "A"}, {"text": "light", "label": "B"}],
            },
            "answerKey": "B",
        },
        ARC,
    ),
    ("arc_challenge", "arc_challenge.jsonl", {"question": "What falls?", "choices": LABELLED, "answerKey": "2"}, ARC),
    ("arc_easy", "arc_easy.jsonl", {"question": "What falls?", "choices": LABELLED, "answerKey": "2"}, ARC),
    (
        "winogrande",
        "winogrande.jsonl",
        {"sentence": "Ann saw Sue so _ ran.", "option1": "Ann", "option2": "Sue", "answer": "2"},
        BLANK,
    ),
    (
        "winograd",
        "winograd_wsc.jsonl",
        {"text": "Ann saw Sue so she ran.", "pronoun": "she", "pronoun_loc": 15, "options": ["Ann", "Sue"], "label": 1},
        BLANK,
    ),
    (
        "agi_eval_lsat_ar",
        "lsat-ar.jsonl",
        {"passage": "Five walk.", "question": "Who leads?", "options": ["(A)Ann", "(B)Bob (the first)"], "label": "B"},
        LSAT,
    ),
    (
        "squad",
        "dev-v1.1.json",
        {
            "version": "1.1",
            "data": [
                {
                    "title": "Cats",
                    "paragraphs": [
                        {
                            "context": "The cat sat.",
                            "qas": [
                                {"question": "Who sat?", "answers": [{"text": "The cat"}, {"text": "cat"}], "id": "1"}
                            ],
                        }
                    ],
                }
            ],
        },
        SQUAD,
    ),
    (
        "squad",
        "squad.jsonl",
        {
            "context": "The cat sat.",
            "question": "Who sat?",
            "answers": {"text": ["The cat", "cat"], "answer_start": [0, 4]},
        },
        SQUAD,
    ),
    (
        "coqa",
        "coqa-dev-v1.0.json",
        {
            "data": [
                {
                    "story": "A cat sat. It ran.",
                    "questions": [{"input_text": "Who sat?", "turn_id": 1}, {"input_text": "And then?", "turn_id": 2}],
                    "answers": [{"input_text": "a cat", "turn_id": 1}, {"input_text": "it ran", "turn_id": 2}],
                }
            ]
        },
        COQA,
    ),
    (
        "coqa",
        "coqa.jsonl",
        {
            "story": "A cat sat. It ran.",
            "questions": ["Who sat?", "And then?"],
            "answers": {"input_text": ["a cat", "it ran"], "answer_start": [0, 11]},
        },
        COQA,
    ),
    (
        "bigbench_language_identification",
        "bigbench_language_identification.json",
        {"examples": [{"input": "Ein Satz.", "target_scores": {"Hdi": 0, "German": 1, "Swedish": 0}}]},
        LANGUAGE,
    ),
    (
        "boolq",
        "boolq.jsonl",
        {"passage": "Cats run.", "question": "do cats run", "answer": True},
        [{"query": "Passage: Cats run.\nQuestion: do cats run?", "choices": ["no", "yes"], "gold": 1}],
    ),
    (
        "copa",
        "copa.jsonl",
        {"premise": "It rained.", "question": "effect", "choice1": "We ran.", "choice2": "It fell.", "label": 0},
        [{"query": "It rained, therefore", "choices": ["we ran.", "it fell."], "gold": 0}],
    ),
    (
        "piqa",
        "piqa.jsonl",
        {"goal": "To sit?", "sol1": "Stand.", "sol2": "Sit.", "label": 1},
        [{"query": "Question: To sit?\n", "choices": ["Stand.", "Sit."], "gold": 1}],
    ),
    (
        "openbook_qa",
        "openbook_qa.jsonl",
        {"question_stem": "Fog is around", "choices": LABELLED, "answerKey": "1"},
        [{"query": "Fog is around", "choices": ["rain", "light"], "gold": 0}],
    ),
    (
        "commonsense_qa",
        "commonsense_qa.jsonl",
        {"question": "Where?", "choices": {"label": ["A", "B"], "text": ["bank", "mall"]}, "answerKey": "B"},
        COMMONSENSE,
    ),
    (
        "lambada_openai",
        "lambada_openai.jsonl",
        {"text": "I do not care about signs\n"},
        [{"context": "I do not care about", "continuation": "signs"}],
    ),
    (
        "hellaswag",
        "hellaswag_val.jsonl",
        {
            "activity_label": "Roof",
            "ctx_a": "A man sits.",
            "ctx_b": "he",
            "endings": ["ran [title] Far", "sat"],
            "label": "1",
        },
        [{"query": "Roof: A man sits. He", "choices": ["ran. Far", "sat"], "gold": 1}],
    ),
]


@pytest.mark.parametrize(("name", "file", "own", "expected"), OWN, ids=[f"{each[0]} {each[1]}" for each in OWN])
@pytest.mark.parametrize("indent", [None, 1])
def test_own_rows_become_dclms(
    tmp_path: Path, name: str, file: str, own: Any, expected: list[dict[str, Any]], indent: int | None
) -> None:
    """Releases in one object come on one line or printed over many."""
    path = tmp_path / file
    path.write_text(json.dumps(own, indent=indent if path.suffix == ".json" else None))
    assert find_core_files(tmp_path)[name] == path
    found = read_core_rows(name, path)
    assert found.rows == expected
    assert found.difference == DIFFERENCES.get(name)
    made = tmp_path / "made.jsonl"
    made.write_text("\n".join(map(json.dumps, expected)))
    again = read_core_rows(name, made)
    assert (again.rows, again.difference) == (expected, None)


def test_the_seven_that_are_seldom_at_hand_have_a_form_of_their_own() -> None:
    covered = {name for name, *_ in OWN}
    assert covered >= {"jeopardy", "arc_challenge", "winogrande", "agi_eval_lsat_ar", "squad", "coqa"}
    assert covered >= {task.name for task in CORE_TASKS if task.hub is not None} - {"hellaswag_zeroshot"}
    assert not {task.name for task in CORE_TASKS if task.hub is not None} & DIFFERENCES.keys()


def test_rows_that_are_neither_are_named(tmp_path: Path) -> None:
    path = tmp_path / "squad.jsonl"
    path.write_text(json.dumps({"context": "x", "answers": {"text": ["y"]}}))
    with pytest.raises(DataError, match=r"squad.jsonl, row 1 has no field 'question'.*answers, context"):
        read_core_rows("squad", path)
    path.write_text(json.dumps({"context": "x", "question": "y", "answers": {"text": []}}))
    with pytest.raises(
        DataError, match=r"squad.jsonl, row 1 cannot be read by CORE's squad .*: list index out of range"
    ):
        read_core_rows("squad", path)
    path.write_text("")
    with pytest.raises(DataError, match=r"squad.jsonl holds no items for CORE's squad"):
        read_core_rows("squad", path)
    path.write_text('{"inputs": "1 + 1", "targets": ["2"]}')
    message = r"bigbench_operators \(it knows DCLM's rows\): it is no row of DCLM's; its fields: inputs, targets"
    with pytest.raises(DataError, match=message):
        read_core_rows("bigbench_operators", path)
