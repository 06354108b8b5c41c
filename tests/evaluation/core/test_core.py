import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpt25.errors import DataError
from gpt25.evaluation import ContinuationScorer, Request
from gpt25.evaluation.core.core import find_core_files, missing_core_tasks, score_core
from gpt25.evaluation.core.core_prompts import requests_of, shuffled_rows
from gpt25.evaluation.core.core_tasks import CORE_TASKS, CoreTask
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer

BY_NAME = {task.name: task for task in CORE_TASKS}
COPA = [{"query": f"It was {word},", "choices": ["so we ran.", "so we sat."], "gold": number % 2}
        for number, word in enumerate(["wet", "dry", "hot", "cold", "late"])]  # fmt: skip
WINOGRAD = [{"context_options": [f"{a} saw {b} as {a}", f"{a} saw {b} as {b}"], "continuation": "ran.", "gold": 1}
            for a, b in (("Ann", "Sue"), ("Tom", "Bob"), ("Ida", "Eva"))]  # fmt: skip
OPERATORS = [{"context": f"op {number} =  ", "continuation": str(number)} for number in range(14)]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "sets" / "deeper").mkdir(parents=True)
    sets = {"copa.jsonl": COPA, "winograd_wsc.jsonl": WINOGRAD, "deeper/bigbench_operators.jsonl": OPERATORS}
    for name, rows in sets.items():
        (tmp_path / "sets" / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path / "sets"


def texts(tokenizer: Tokenizer, requests: list[Request]) -> list[tuple[str, str]]:
    assert all(request.context[0] == tokenizer.end_of_text_id for request in requests)
    return [(tokenizer.decode(each.context[1:]), tokenizer.decode(each.continuation)) for each in requests]


def test_there_are_the_22_tasks() -> None:
    assert len(CORE_TASKS) == len(BY_NAME) == 22
    assert [task.kind for task in CORE_TASKS].count("schema") == 2
    assert all(task.baseline == 0 for task in CORE_TASKS if task.kind == "language modelling")


def test_choices_begin_where_the_prompts_part(byte_tokenizer: Tokenizer) -> None:
    found = texts(byte_tokenizer, requests_of(BY_NAME["copa"], COPA, 0, byte_tokenizer))
    assert found == [("It was wet, so we ", "ran."), ("It was wet, so we ", "sat.")]


def test_schemas_are_scored_where_the_prompts_agree_again(byte_tokenizer: Tokenizer) -> None:
    found = texts(byte_tokenizer, requests_of(BY_NAME["winograd"], WINOGRAD, 1, byte_tokenizer))
    assert found == [("Tom saw Bob as Tom", " ran."), ("Tom saw Bob as Bob", " ran.")]


def test_solved_examples_stand_before_an_item_and_are_others(byte_tokenizer: Tokenizer) -> None:
    task = CoreTask("operators", "language modelling", ("x",), 3, 0.0)
    ((context, continuation),) = texts(byte_tokenizer, requests_of(task, OPERATORS, 5, byte_tokenizer))
    *solved, question = context.split("\n\n")
    others = [number for number in range(14) if number != 5]
    chosen = random.Random(1234 + 5).sample(others, 3)
    assert solved == [f"op {number} = {number}" for number in chosen]
    assert (question, continuation) == ("op 5 =", " 5")


def test_the_order_is_shuffled_and_then_cut() -> None:
    shuffled = list(range(14))
    random.Random(1337).shuffle(shuffled)
    assert [row["continuation"] for row in shuffled_rows(OPERATORS, 4)] == [str(number) for number in shuffled[:4]]


def test_figures_are_those_reckoned_from_transformers(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, files: Path, oracle: Callable[[Sequence[Request]], Any]
) -> None:
    found = find_core_files(files)
    assert list(found) == ["copa", "winograd", "bigbench_operators"]
    assert len(missing_core_tasks(found)) == 19
    partial, *tasks = score_core(found, byte_tokenizer, ContinuationScorer(tiny_model))
    assert [each.metric for each in tasks] == ["centred copa", "centred winograd", "centred bigbench_operators"]
    expected = {}
    for name, rows in (("copa", COPA), ("winograd", WINOGRAD)):
        shuffled = shuffled_rows(rows, None)
        right = []
        for number, row in enumerate(shuffled):
            answers = oracle(requests_of(BY_NAME[name], shuffled, number, byte_tokenizer))
            right.append(float(np.argmax([np.mean(each) for each, _ in answers]) == row["gold"]))
        expected[name] = (np.array(right) - 0.5) / 0.5
    for name, values in expected.items():
        (measurement,) = [each for each in tasks if each.metric == f"centred {name}"]
        assert measurement.numerators.tolist() == values.tolist()
    assert partial.metric == "core_partial"
    assert partial.value == pytest.approx(np.mean([each.value for each in tasks]))
    assert "3 of 22 tasks, not to be set beside CORE; missing: hellaswag_zeroshot, jeopardy" in partial.definition
    errors = [each.standard_error for each in tasks]
    assert partial.standard_error == pytest.approx(np.sqrt(np.square(errors).sum()) / 3, rel=0.15)


def test_other_items_than_dclms_make_no_core(tiny_model: GPTModel, byte_tokenizer: Tokenizer, tmp_path: Path) -> None:
    row = {"passage": "P.", "question": "Q?", "options": ["(A)x", "(B)y"], "label": "B"}
    (tmp_path / "lsat-ar.jsonl").write_text(json.dumps(row))
    partial, task = score_core(find_core_files(tmp_path), byte_tokenizer, ContinuationScorer(tiny_model))
    assert partial.metric == "core_partial"
    assert partial.definition.endswith("; of other items than DCLM's: agi_eval_lsat_ar")
    assert task.definition.endswith("from the set's own file: five answers, of which DCLM has four")


def test_a_limit_holds_for_every_task(tiny_model: GPTModel, byte_tokenizer: Tokenizer, files: Path) -> None:
    _, *tasks = score_core(find_core_files(files), byte_tokenizer, ContinuationScorer(tiny_model), limit=2)
    assert [each.number_of_items for each in tasks] == [2, 2, 2]


def test_what_is_not_there_is_said(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, files: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="holds none of CORE's files, such as arc_easy.jsonl or copa.jsonl.gz"):
        find_core_files(empty)
    (files / "copa.jsonl").write_text('{"query": "x"}\n')
    with pytest.raises(
        DataError, match="copa.jsonl, row 1 has no field 'choices'. CORE's copa .* with the fields query"
    ):
        score_core(find_core_files(files), byte_tokenizer, ContinuationScorer(tiny_model))
    (files / "copa.jsonl").write_text('{"context": "x", "continuation": "y"}\n')
    with pytest.raises(DataError, match="copa.jsonl: CORE's copa reads the field 'query', which a row does not have"):
        score_core(find_core_files(files), byte_tokenizer, ContinuationScorer(tiny_model))
    (files / "copa.jsonl").write_text('{"query": "x", "choices": ["a", "b"], "gold": [1]}\n')
    with pytest.raises(
        DataError, match=r"copa.jsonl, row 1 cannot be read by CORE's copa .*: gold is \[1\], expected a"
    ):
        score_core(find_core_files(files), byte_tokenizer, ContinuationScorer(tiny_model))
    (files / "copa.jsonl").write_text("")
    with pytest.raises(DataError, match="copa.jsonl holds no items for CORE's copa"):
        score_core(find_core_files(files), byte_tokenizer, ContinuationScorer(tiny_model))


def test_bad_rows_are_counted_where_they_are_skipped(
    tiny_model: GPTModel, byte_tokenizer: Tokenizer, files: Path
) -> None:
    good = '{"query": "x", "choices": ["a", "b"], "gold": 1}\n'
    (files / "copa.jsonl").write_text(good * 3 + good.replace("1", "2"))
    found = find_core_files(files)
    with pytest.raises(DataError, match=r"copa.jsonl, row 4 cannot .*: gold is 2, expected a whole number from 0 to 1"):
        score_core(found, byte_tokenizer, ContinuationScorer(tiny_model))
    measured = score_core(found, byte_tokenizer, ContinuationScorer(tiny_model), skip_invalid=True)
    (copa,) = [each for each in measured if each.metric == "centred copa"]
    assert copa.number_of_items == 3
    assert "; 1 row left out: " in copa.definition
    assert measured[0].metric == "core_partial"
