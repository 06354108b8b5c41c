"""All 22 tasks against the protocol as nanochat's core_eval describes it, written here a second time from texts."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpt25.evaluation import ContinuationScorer, Request
from gpt25.evaluation.core.core import find_core_files, missing_core_tasks, score_core
from gpt25.evaluation.core.core_prompts import requests_of, shuffled_rows
from gpt25.evaluation.core.core_tasks import CORE_TASKS, CoreTask
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer

# name: icl_task_type, num_fewshot, continuation_delimiter and random baseline in % (DCLM's eval/heavy.yaml and
# eval/eval_meta_data_v1.csv)
LM, MC, SCHEMA, ANSWER = "language modelling", "multiple choice", "schema", "\nAnswer: "
PROTOCOL: dict[str, tuple[str, int, str, float]] = {
    "hellaswag_zeroshot": (MC, 0, " ", 25),
    "jeopardy": (LM, 10, ANSWER, 0),
    "bigbench_qa_wikidata": (LM, 10, " ", 0),
    "arc_easy": (MC, 10, ANSWER, 25),
    "arc_challenge": (MC, 10, ANSWER, 25),
    "copa": (MC, 0, " ", 50),
    "commonsense_qa": (MC, 10, " ", 20),
    "piqa": (MC, 10, ANSWER, 50),
    "openbook_qa": (MC, 0, " ", 25),
    "lambada_openai": (LM, 0, " ", 0),
    "hellaswag": (MC, 10, " ", 25),
    "winograd": (SCHEMA, 0, " ", 50),
    "winogrande": (SCHEMA, 0, " ", 50),
    "bigbench_dyck_languages": (LM, 10, " ", 0),
    "agi_eval_lsat_ar": (MC, 3, " ", 20),
    "bigbench_cs_algorithms": (LM, 10, " ", 0),
    "bigbench_operators": (LM, 10, " ", 0),
    "bigbench_repeat_copy_logic": (LM, 10, " ", 0),
    "squad": (LM, 10, " ", 0),
    "coqa": (LM, 0, " ", 0),
    "boolq": (MC, 10, ANSWER, 62),
    "bigbench_language_identification": (MC, 10, " ", 9.1),
}
WORDS = ("barn", "roads", "old trees", "Ann", "the 3rd ship", "wind", "stone", "Réunion", "snow", "fire", "sun", "moon")


def rows_of(kind: str) -> list[dict[str, Any]]:
    """Twelve items whose endings and beginnings share tokens, words and blanks in many ways."""
    if kind == LM:
        return [{"context": f"Context: {word} is old.\nAnswer: ", "continuation": word} for word in WORDS]
    if kind == MC:
        return [
            {
                "query": f"Where is the {word}",
                "choices": [WORDS[at - 1], f"in the {word}", f"in {word}s"],
                "gold": at % 3,
            }
            for at, word in enumerate(WORDS)
        ]
    return [
        {
            "context_options": [f"Tom saw {word} as Tom", f"Tom saw {word} as {word}"],
            "continuation": "left.",
            "gold": at % 2,
        }
        for at, word in enumerate(WORDS)
    ]


def text_of(task: CoreTask, row: dict[str, Any], choice: int | None = None) -> str:
    """An item with its answer, by default the right one."""
    if task.kind == LM:
        return str(row["context"].strip() + task.delimiter + row["continuation"])
    choice = row["gold"] if choice is None else choice
    if task.kind == MC:
        return str(row["query"] + task.delimiter + row["choices"][choice])
    return str(row["context_options"][choice] + task.delimiter + row["continuation"])


def expected_requests(task: CoreTask, rows: list[dict[str, Any]], number: int, tokenizer: Tokenizer) -> list[Request]:
    """What is scored after what, by comparing the token ids of whole prompts."""
    shots = random.Random(1234 + number).sample([at for at in range(len(rows)) if at != number], task.number_of_shots)
    before = "".join(text_of(task, rows[shot]) + "\n\n" for shot in shots)
    row = rows[number]
    if task.kind == LM:
        prompts = [before + text_of(task, row)]
        question = before + row["context"].strip() + task.delimiter
        without = [tokenizer.end_of_text_id, *tokenizer.encode(question.strip())]
        starts = [len(without)]
    else:
        number_of_choices = len(row["choices" if task.kind == MC else "context_options"])
        prompts = [before + text_of(task, row, choice) for choice in range(number_of_choices)]
    ids = [[tokenizer.end_of_text_id, *tokenizer.encode(prompt)] for prompt in prompts]
    if task.kind == MC:
        length = min(map(len, ids))
        agree = [len({prompt[at] for prompt in ids}) == 1 for at in range(length)] + [False]
        starts = [agree.index(False)] * len(ids)
    elif task.kind == SCHEMA:
        length = min(map(len, ids))
        agree = [len({prompt[-1 - at] for prompt in ids}) == 1 for at in range(length)] + [False]
        starts = [len(prompt) - agree.index(False) for prompt in ids]
    return [Request(tuple(prompt[:start]), tuple(prompt[start:])) for prompt, start in zip(ids, starts, strict=True)]


def test_the_table_is_dclms() -> None:
    found = {task.name: (task.kind, task.number_of_shots, task.delimiter, 100 * task.baseline) for task in CORE_TASKS}
    assert {name: (*facts[:3], pytest.approx(facts[3])) for name, facts in PROTOCOL.items()} == found


@pytest.mark.parametrize("task", CORE_TASKS, ids=[task.name for task in CORE_TASKS])
def test_prompts_are_the_protocols(task: CoreTask) -> None:
    tokenizer = Tokenizer.gpt2()
    rows = shuffled_rows(rows_of(task.kind), None)
    for number in range(len(rows)):
        assert requests_of(task, rows, number, tokenizer) == expected_requests(task, rows, number, tokenizer)


def test_core_of_all_22_sets_is_the_protocols(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, oracle: Callable[[Sequence[Request]], Any], tmp_path: Path
) -> None:
    for task in CORE_TASKS:
        (tmp_path / f"{task.files[0]}.jsonl").write_text("\n".join(map(json.dumps, rows_of(task.kind))))
    files = find_core_files(tmp_path)
    assert missing_core_tasks(files) == []
    core, *centred = score_core(files, byte_tokenizer, ContinuationScorer(tiny_model))
    values = []
    for task, found in zip(CORE_TASKS, centred, strict=True):
        rows = rows_of(task.kind)
        random.Random(1337).shuffle(rows)
        right = []
        for number, row in enumerate(rows):
            answers = oracle(expected_requests(task, rows, number, byte_tokenizer))
            if task.kind == LM:
                right.append(all(answers[0][1]))
            else:
                right.append(int(np.argmin([-np.mean(each) for each, _ in answers])) == row["gold"])
        kind, _, _, baseline = PROTOCOL[task.name]
        values.append((100 * np.mean(right) - baseline) / (100 - baseline))
        assert found.metric == f"centred {task.name}"
        assert found.value == pytest.approx(values[-1])
        assert kind == LM or len(set(right)) == 2  # a scorer that always says the same would be seen
    assert (core.metric, core.value) == ("core", pytest.approx(np.mean(values)))
