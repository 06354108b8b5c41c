"""Rows of the multiple-choice sets into items: the sets' own fields, or those of llm-foundry and DCLM.

The prompts are those of lm-evaluation-harness unless a function says otherwise, so that scores can be set side by side.
A missing field is a KeyError here; `read_items` turns it into words.
"""

import re
from typing import Any

from gpt25.evaluation.protocols.choice_item import ChoiceItem
from gpt25.evaluation.sets.data_files import Row

_BRACKETS = re.compile(r"\[.*?\]")


def hellaswag_completion(row: Row) -> ChoiceItem:
    """llm.c and build-nanogpt: the context alone, without the activity's label."""
    return ChoiceItem.of_one_context(row["ctx"], _behind_a_space(row["endings"]), int(row["label"]))


def hellaswag_harness(row: Row) -> ChoiceItem:
    """lm-evaluation-harness: "label: context", wikiHow's brackets taken out."""
    if "ctx_a" in row:
        query = f"{row['activity_label']}: {row['ctx_a']} {row['ctx_b'].capitalize()}"
    else:
        query = row["query"]
    endings = [_without_brackets(ending) for ending in row["endings"]]
    return ChoiceItem.of_one_context(_without_brackets(query), _behind_a_space(endings), int(row["label"]))


def piqa(row: Row) -> ChoiceItem:
    """How to reach a goal."""
    if "goal" not in row:
        return _answered(row)
    choices = _behind_a_space([row["sol1"], row["sol2"]])
    return ChoiceItem.of_one_context(f"Question: {row['goal']}\nAnswer:", choices, int(row["label"]))


def arc(row: Row) -> ChoiceItem:
    """Science questions of schools."""
    if "question" not in row:
        return _answered(row)
    row = _as_on_the_hub(row)
    return _lettered(row, f"Question: {row['question']}\nAnswer:")


def openbookqa(row: Row) -> ChoiceItem:
    """The beginning of a sentence and its possible ends."""
    if "question" in row:
        row = {"question_stem": row["question"]["stem"]} | _as_on_the_hub(row)
    if "question_stem" in row:
        return _lettered(row, row["question_stem"])
    return ChoiceItem.of_one_context(row["query"], _behind_a_space(row["choices"]), int(row["gold"]))


def commonsense_qa(row: Row) -> ChoiceItem:
    """Lettered answers stand in the question; the letters are scored."""
    if "question" not in row:
        return ChoiceItem.of_one_context(row["query"], _behind_a_space(row["choices"]), int(row["gold"]))
    row = _as_on_the_hub(row)
    labels, texts = list(row["choices"]["label"]), list(row["choices"]["text"])
    lines = [f"{label}. {text}" for label, text in zip(labels, texts, strict=True)]
    context = "\n".join([f"Question: {row['question'].strip()}", *lines, "Answer:"])
    return ChoiceItem.of_one_context(context, _behind_a_space(labels), labels.index(row["answerKey"]))


def copa(row: Row) -> ChoiceItem:
    """Cause or effect: the premise without its period, because or therefore, and a sentence in lower case."""
    if "premise" not in row:
        return ChoiceItem.of_one_context(row["query"], _behind_a_space(row["choices"]), int(row["gold"]))
    connector = {"cause": "because", "effect": "therefore"}[row["question"]]
    choices = [row[name][:1].lower() + row[name][1:] for name in ("choice1", "choice2")]
    context = f"{row['premise'].strip()[:-1]} {connector}"
    return ChoiceItem.of_one_context(context, _behind_a_space(choices), int(row["label"]))


def boolq(row: Row) -> ChoiceItem:
    """A passage and a question about it; "no" and "yes" are scored."""
    if "passage" not in row:
        return _answered(row)
    gold = int(row["label"] if "label" in row else row["answer"])
    context = f"{row['passage']}\nQuestion: {row['question']}?\nAnswer:"
    return ChoiceItem.of_one_context(context, [" no", " yes"], gold)


def winogrande(row: Row) -> ChoiceItem:
    """What follows the blank is scored after either filling."""
    if "sentence" not in row:
        return winograd(row)
    before, _, after = row["sentence"].partition("_")
    contexts = (before + row["option1"], before + row["option2"])
    return ChoiceItem(contexts, (" " + after.strip(),) * 2, int(row["answer"]) - 1)


def winograd(row: Row) -> ChoiceItem:
    """What follows a pronoun is scored after either reading of it."""
    if "context_options" in row:
        contexts = tuple(row["context_options"])
        return ChoiceItem(contexts, (" " + row["continuation"].strip(),) * len(contexts), int(row["gold"]))
    before, after = row["text"][: row["pronoun_loc"]], row["text"][row["pronoun_loc"] + len(row["pronoun"]) :]
    contexts = tuple(before + option for option in row["options"])
    return ChoiceItem(contexts, (" " + after.strip(),) * len(contexts), int(row["label"]))


def blimp(row: Row) -> ChoiceItem:
    """The good sentence first; each after nothing, behind a space as lm-evaluation-harness has it."""
    sentences = _behind_a_space([row["sentence_good"], row["sentence_bad"]])
    return ChoiceItem(("", ""), tuple(sentences), 0, group=str(row.get("UID", "")))


def _answered(row: Row) -> ChoiceItem:
    """llm-foundry's rows whose answers stand behind "Answer:"."""
    return ChoiceItem.of_one_context(
        f"{row['query'].rstrip()}\nAnswer:", _behind_a_space(row["choices"]), int(row["gold"])
    )


def _lettered(row: Row, context: str) -> ChoiceItem:
    """The Hub's rows of texts with labels, of which the key names one."""
    choices: Any = row["choices"]
    gold = list(choices["label"]).index(row["answerKey"].strip())
    return ChoiceItem.of_one_context(context, _behind_a_space(list(choices["text"])), gold)


def _as_on_the_hub(row: Row) -> Row:
    """The release's own nesting, a question with a stem and choices one by one, flattened as the Hub has it."""
    if not isinstance(row["question"], dict):
        return row
    choices = row["question"]["choices"]
    columns = {name: [choice[name] for choice in choices] for name in ("text", "label")}
    return row | {"question": row["question"]["stem"], "choices": columns}


def _behind_a_space(choices: list[str]) -> list[str]:
    return [f" {choice}" for choice in choices]


def _without_brackets(text: str) -> str:
    return _BRACKETS.sub("", text.strip().replace(" [title]", ". ")).replace("  ", " ")
