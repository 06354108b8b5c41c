"""Rows of the multiple-choice sets into items: the sets' own fields, or those of llm-foundry and DCLM.

The prompts are those of lm-evaluation-harness 0.4.13 unless a function says otherwise, so that scores can be set side
by side: to the space, of which COPA and Winograd have two before an answer there. A missing field is a KeyError here, a
wrong value a ValueError, an answer that is not told a NoAnswerError; `read_examples` turns them into messages.
"""

import re
from typing import Any

from gpt25.evaluation.protocols.choice_item import ChoiceItem
from gpt25.evaluation.sets.data_files import Row
from gpt25.evaluation.sets.row_fields import answer_among, answer_of, text_of, texts_of
from gpt25.storage.reading.json_values import kind_in_words

_BRACKETS = re.compile(r"\[.*?\]")
_CONNECTORS = {"cause": "because", "effect": "therefore"}
_WITH_AN_S = ("my", "his", "her", "our", "their")
_CAPITALS = ("A", "An", "The", "She", "He", "It", "They", "My", "His", "Her", "Their")


def hellaswag_completion(row: Row) -> ChoiceItem:
    """llm.c and build-nanogpt: the context alone, without the activity's label."""
    endings = texts_of(row, "endings")
    gold = answer_of(row, "label", choices=len(endings))
    return ChoiceItem.of_one_context(text_of(row, "ctx"), _with_leading_space(endings), gold)


def hellaswag_harness(row: Row) -> ChoiceItem:
    """lm-evaluation-harness: "label: context", wikiHow's brackets taken out."""
    if "ctx_a" in row:
        after = row["ctx_b"]
        if not isinstance(after, str):
            raise ValueError(f"ctx_b is {after!r}, expected a text")
        query = f"{text_of(row, 'activity_label')}: {text_of(row, 'ctx_a')} {after.capitalize()}"
    else:
        query = text_of(row, "query")
    endings = [_without_brackets(ending) for ending in texts_of(row, "endings")]
    gold = answer_of(row, "label", choices=len(endings))
    return ChoiceItem.of_one_context(_without_brackets(query), _with_leading_space(endings), gold)


def piqa(row: Row) -> ChoiceItem:
    """How to reach a goal."""
    if "goal" not in row:
        return _answered(row, number=(2,), begins="Question:")
    choices = _with_leading_space([text_of(row, "sol1"), text_of(row, "sol2")])
    context = f"Question: {text_of(row, 'goal')}\nAnswer:"
    return ChoiceItem.of_one_context(context, choices, answer_of(row, "label", choices=2))


def arc(row: Row) -> ChoiceItem:
    """Science questions of schools."""
    if "question" not in row:
        return _answered(row, number=(3, 4, 5), begins="Question:")
    row = _as_on_the_hub(row)
    if "question_concept" in row:
        raise ValueError("the row is of CommonsenseQA: it has a question_concept")
    return _lettered(row, f"Question: {text_of(row, 'question')}\nAnswer:")


def openbookqa(row: Row) -> ChoiceItem:
    """The beginning of a sentence and its possible ends."""
    if "question" in row:
        row = _as_on_the_hub(row)
        row = {"question_stem": row["question"]} | row
    if "question_stem" in row:
        return _lettered(row, text_of(row, "question_stem"))
    query = text_of(row, "query")
    if query.startswith("Question:"):
        raise ValueError('query begins with "Question:", as those of ARC, PIQA and CommonsenseQA do')
    choices = texts_of(row, "choices", number=(4,))
    return ChoiceItem.of_one_context(query, _with_leading_space(choices), answer_of(row, "gold", choices=len(choices)))


def commonsense_qa(row: Row) -> ChoiceItem:
    """Lettered answers stand in the question; the letters are scored."""
    if "question" not in row:
        letters = texts_of(row, "choices")
        if any(len(letter) != 1 for letter in letters):
            raise ValueError(f"choices are {letters!r}, expected letters; it may be of another set")
        gold = answer_of(row, "gold", choices=len(letters))
        return ChoiceItem.of_one_context(text_of(row, "query"), _with_leading_space(letters), gold)
    row = _as_on_the_hub(row)
    labels, texts = _labels_and_texts(row)
    lines = [f"{label}. {text}" for label, text in zip(labels, texts, strict=True)]
    context = "\n".join([f"Question: {text_of(row, 'question').strip()}", *lines, "Answer:"])
    return ChoiceItem.of_one_context(context, _with_leading_space(labels), answer_among(row, "answerKey", labels))


def copa(row: Row) -> ChoiceItem:
    """Cause or effect: the premise without its period, because or therefore, and a sentence in lower case.

    llm-foundry's rows have the same sentences with a comma before the connector, which is taken out.
    """
    if "premise" not in row:
        choices = texts_of(row, "choices", number=(2,))
        before, _, connector = text_of(row, "query").rpartition(" ")
        if connector not in _CONNECTORS.values():
            raise ValueError(f"query ends in {connector!r}, expected because or therefore; it may be of another set")
        context, gold = f"{before.removesuffix(',')} {connector}", answer_of(row, "gold", choices=2)
    else:
        relation = text_of(row, "question")
        if relation not in _CONNECTORS:
            raise ValueError(f"question is {relation!r}, expected cause or effect")
        choices = [text_of(row, "choice1"), text_of(row, "choice2")]
        context = f"{text_of(row, 'premise').strip()[:-1]} {_CONNECTORS[relation]}"
        gold = answer_of(row, "label", choices=2)
    return ChoiceItem.of_one_context(context, [f"  {text[:1].lower()}{text[1:]}" for text in choices], gold)


def boolq(row: Row) -> ChoiceItem:
    """A passage and a question about it; "no" and "yes" are scored."""
    if "passage" not in row:
        if "choices" in row and row["choices"] != ["no", "yes"]:
            raise ValueError(f"choices are {row['choices']!r}, expected no and yes; it may be of another set")
        return _answered(row, number=(2,), begins="Passage:")
    context = f"{text_of(row, 'passage')}\nQuestion: {text_of(row, 'question')}?\nAnswer:"
    gold = answer_of(row, "answer" if "answer" in row else "label", choices=2)
    return ChoiceItem.of_one_context(context, [" no", " yes"], gold)


def siqa(row: Row) -> ChoiceItem:
    """Social IQA: what somebody in a situation feels, wants or does next."""
    choices = [text_of(row, f"answer{letter}") for letter in "ABC"]
    context = f"Q: {text_of(row, 'context')} {text_of(row, 'question')}\nA:"
    return ChoiceItem.of_one_context(context, _with_leading_space(choices), answer_of(row, "label", choices=3, first=1))


def winogrande(row: Row) -> ChoiceItem:
    """What follows the blank is scored after either filling."""
    if "sentence" not in row:
        return _filled(row)
    before, blank, after = text_of(row, "sentence").partition("_")
    if not blank:
        raise ValueError("sentence has no blank, a _")
    contexts = (before + text_of(row, "option1"), before + text_of(row, "option2"))
    return ChoiceItem(contexts, (" " + after.strip(),) * 2, answer_of(row, "answer", choices=2, first=1))


def winograd(row: Row) -> ChoiceItem:
    """What follows a pronoun is scored after either reading of it.

    In the readings "my" becomes "the boy's", and capitals that only began them are small inside a sentence. llm-foundry
    has them ready made.
    """
    if "context_options" in row:
        item = _filled(row)
        return ChoiceItem(item.contexts, tuple(f" {text}" for text in item.continuations), item.gold)
    text, pronoun, place = text_of(row, "text").replace("  ", " "), text_of(row, "pronoun"), row["pronoun_loc"]
    if not isinstance(place, int) or not 0 <= place < len(text):
        raise ValueError(f"pronoun_loc is {place!r}, expected a place in the text, from 0 to {len(text) - 1}")
    begins_a_sentence = text[place - 2] == "."
    options = texts_of(row, "options", number=(2,))
    contexts = tuple(text[:place] + _reading(option, pronoun, begins_a_sentence) for option in options)
    after = " " + text[place + len(pronoun) :]
    return ChoiceItem(contexts, (after,) * 2, answer_of(row, "label", choices=2))


def _reading(option: str, pronoun: str, begins_a_sentence: bool) -> str:
    if pronoun.lower() in _WITH_AN_S:
        option += "'s"
    first = option.split()[0]
    return option.replace(first, first.lower()) if first in _CAPITALS and not begins_a_sentence else option


def _filled(row: Row) -> ChoiceItem:
    """llm-foundry's rows of what precedes the scored text, filled either way."""
    contexts = tuple(texts_of(row, "context_options", number=(2,)))
    after = text_of(row, "continuation").strip()
    return ChoiceItem(contexts, (f" {after}",) * 2, answer_of(row, "gold", choices=2))


def blimp(row: Row) -> ChoiceItem:
    """The good sentence first; each after nothing, behind a space as lm-evaluation-harness has it."""
    sentences = _with_leading_space([text_of(row, "sentence_good"), text_of(row, "sentence_bad")])
    return ChoiceItem(("", ""), tuple(sentences), 0, group=str(row.get("UID", "")))


def _answered(row: Row, *, number: tuple[int, ...], begins: str) -> ChoiceItem:
    """llm-foundry's rows whose answers stand behind "Answer:"; their number and the query tell the sets apart."""
    query, choices = text_of(row, "query"), texts_of(row, "choices", number=number)
    if not query.startswith(begins) or query.rstrip().endswith("Answer:"):
        raise ValueError(f'query does not begin with "{begins}" or has "Answer:" already; it may be of another set')
    gold = answer_of(row, "gold", choices=len(choices))
    return ChoiceItem.of_one_context(f"{query.rstrip()}\nAnswer:", _with_leading_space(choices), gold)


def _lettered(row: Row, context: str) -> ChoiceItem:
    """The Hub's rows of texts with labels, of which the key names one."""
    labels, texts = _labels_and_texts(row)
    return ChoiceItem.of_one_context(context, _with_leading_space(texts), answer_among(row, "answerKey", labels))


def _labels_and_texts(row: Row) -> tuple[list[str], list[str]]:
    choices: Any = row["choices"]
    if not isinstance(choices, dict) or not {"label", "text"} <= choices.keys():
        raise ValueError(f"choices are {kind_in_words(choices)}, expected an object with the lists label and text")
    labels, texts = texts_of(choices, "label"), texts_of(choices, "text")
    if len(labels) != len(texts):
        raise ValueError(f"choices have {len(labels)} labels and {len(texts)} texts")
    return labels, texts


def _as_on_the_hub(row: Row) -> Row:
    """The release's own nesting, a question with a stem and choices one by one, flattened as the Hub has it."""
    question = row["question"]
    if not isinstance(question, dict):
        return row
    columns = {name: [choice[name] for choice in question["choices"]] for name in ("text", "label")}
    concept = {name: question[name] for name in ("question_concept",) if name in question}
    return row | {"question": question["stem"], "choices": columns} | concept


def _with_leading_space(choices: list[str]) -> list[str]:
    return [f" {choice}" for choice in choices]


def _without_brackets(text: str) -> str:
    return _BRACKETS.sub("", text.strip().replace(" [title]", ". ")).replace("  ", " ")
