"""CORE's rows: those that DCLM made, or made here from the sets' own releases in the same words.

DCLM took its files from Mosaic's evaluation gauntlet. A row is {"context", "continuation"} where an answer is written,
{"query", "choices", "gold"} where one is chosen, {"context_options", "continuation", "gold"} where a blank is filled.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

from gpt25.errors import DataError
from gpt25.evaluation.sets import choice_readers
from gpt25.evaluation.sets.checked_items import checked_items
from gpt25.evaluation.sets.data_files import Row, read_rows
from gpt25.evaluation.sets.row_fields import answer_of
from gpt25.storage.reading.json_values import kind_in_words

_KEYS = ({"context", "continuation"}, {"query", "choices", "gold"}, {"context_options", "continuation", "gold"})
_COQA = (
    "Below is a story followed by a series of related questions. Please answer the final question by referring to the "
    "story and the previous questions.\nStory: "
)

DIFFERENCES = {
    "jeopardy": "all clues of the file, of which DCLM has 2,117",
    "commonsense_qa": "five answers, of which DCLM has four",
    "agi_eval_lsat_ar": "five answers, of which DCLM has four",
    "bigbench_language_identification": "eleven languages to choose from, of which DCLM has four",
}
"""Sets of which DCLM's rows are a choice that nothing tells: scores of the sets' own files are other figures."""


@dataclass(frozen=True)
class CoreRows:
    """The items of one set."""

    rows: list[Row]
    difference: str | None
    """In what they are other items than DCLM's; None where they are the same."""
    left_out: list[str]
    """What was wrong with rows that were left out."""


def read_core_rows(name: str, path: Path, *, skip_invalid: bool = False) -> CoreRows:
    """The rows of CORE's task `name` from DCLM's file or the set's own.

    Raises DataError for a file that is neither and for a row with a wrong field, with the row and its fields.
    """
    made_here = False

    def read(row: Row) -> list[Row]:
        nonlocal made_here
        if any(keys <= row.keys() for keys in _KEYS):
            return [_checked(row)]
        if name not in _READERS:
            raise ValueError(f"it is no row of DCLM's; its fields: {', '.join(sorted(row)) or '(none)'}")
        made_here = True
        return [_checked(made) for made in _READERS[name](row)]

    known = "DCLM's rows" + (" and the set's own" if name in _READERS else "")
    numbered = ((f"{path}, row {number:,}", row) for number, row in enumerate(read_rows(path), 1))
    reader = f"CORE's {name} (it knows {known})"
    checked = checked_items(numbered, read, reader=reader, source=str(path), skip_invalid=skip_invalid)
    rows = [row for some in checked.items for row in some]
    if not rows:
        raise DataError(f"{path} holds no items for CORE's {name}.")
    return CoreRows(rows, DIFFERENCES.get(name) if made_here else None, checked.left_out)


def _checked(row: Row) -> Row:
    """A row of DCLM's, unless it has other types than theirs or an answer that is none of its choices."""
    lists = [name for name in ("choices", "context_options") if name in row]
    for name in ("context", "continuation", "query"):
        if name in row and not isinstance(row[name], str):
            raise ValueError(f"{name} is {kind_in_words(row[name])}, expected a text")
    for name in lists:
        if not isinstance(row[name], list) or not all(isinstance(each, str) for each in row[name]):
            raise ValueError(f"{name} is {kind_in_words(row[name])}, expected a list of texts")
    if lists:
        return row | {"gold": answer_of(row, "gold", choices=len(row[lists[0]]))}
    return row


def _hellaswag(row: Row) -> Iterator[Row]:
    if "ctx_a" not in row and "query" not in row:
        row = row | {"query": f"{row['activity_label']}: {row['ctx']}"}
    item = choice_readers.hellaswag_harness(row)
    yield _chosen(item.contexts[0], [ending[1:] for ending in item.continuations], item.gold)


def _arc(row: Row) -> Iterator[Row]:
    item = choice_readers.arc(row)
    query = item.contexts[0].removesuffix("\nAnswer:")
    yield _chosen(query, [choice[1:] for choice in item.continuations], item.gold)


def _piqa(row: Row) -> Iterator[Row]:
    yield _chosen(f"Question: {row['goal']}\n", [row["sol1"], row["sol2"]], int(row["label"]))


def _openbook_qa(row: Row) -> Iterator[Row]:
    item = choice_readers.openbookqa(row)
    yield _chosen(item.contexts[0], [choice[1:] for choice in item.continuations], item.gold)


def _copa(row: Row) -> Iterator[Row]:
    item = choice_readers.copa(row)
    premise, _, connector = item.contexts[0].rpartition(" ")
    yield _chosen(f"{premise}, {connector}", [choice.lstrip() for choice in item.continuations], item.gold)


def _commonsense_qa(row: Row) -> Iterator[Row]:
    item = choice_readers.commonsense_qa(row)
    question, *lines = item.contexts[0].split("\n")
    letters = [letter[1:] for letter in item.continuations]
    yield _chosen("\n".join([question, "Choices:", *lines]), letters, item.gold)


def _boolq(row: Row) -> Iterator[Row]:
    item = choice_readers.boolq(row)
    yield _chosen("Passage: " + item.contexts[0].removesuffix("\nAnswer:"), ["no", "yes"], item.gold)


def _winograd(row: Row) -> Iterator[Row]:
    item = (choice_readers.winogrande if "sentence" in row else choice_readers.winograd)(row)
    continuation = item.continuations[0].strip()
    yield {"context_options": list(item.contexts), "continuation": continuation, "gold": item.gold}


def _lambada(row: Row) -> Iterator[Row]:
    context, _, word = row["text"].rstrip().rpartition(" ")
    yield {"context": context, "continuation": word}


def _jeopardy(row: Row) -> Iterator[Row]:
    clue = row["question"].removeprefix("'").removesuffix("'")
    yield {"context": f"{row['category'].upper()}: {clue}", "continuation": row["answer"]}


def _squad(row: Row) -> Iterator[Row]:
    """Of the Hub one question a row, of the release one row that holds all."""
    if "data" in row:
        for article in row["data"]:
            for paragraph in article["paragraphs"]:
                for entry in paragraph["qas"]:
                    yield _read(paragraph["context"], entry["question"], entry["answers"][0]["text"])
    else:
        yield _read(row["context"], row["question"], row["answers"]["text"][0])


def _read(passage: str, question: str, answer: str) -> Row:
    return {"context": f"Context: {passage}\nQuestion: {question}\nAnswer: ", "continuation": answer}


def _coqa(row: Row) -> Iterator[Row]:
    """Of the Hub one story a row, of the release one row that holds all; every question follows those before it."""
    for story in row.get("data", [row]):
        questions, answers = _texts(story["questions"]), _texts(story["answers"])
        before = ""
        for question, answer in zip(questions, answers, strict=True):
            preceding = f"\nPreceding questions:{before}" if before else ""
            final = f"\n\nFinal question:\nQuestion: {question}\nAnswer: "
            yield {"context": f"{_COQA}{story['story']}{preceding}{final}", "continuation": answer}
            before += f"\nQuestion: {question}\nAnswer: {answer}"


def _texts(texts: object) -> list[str]:
    if isinstance(texts, dict):  # the Hub's answers, a column of texts among others
        return list(texts["input_text"])
    assert isinstance(texts, list)
    return [text if isinstance(text, str) else text["input_text"] for text in texts]


def _lsat(row: Row) -> Iterator[Row]:
    """AGIEval's: options such as "(A)George", and the label "A"."""
    options = [option.partition(")")[2].strip() for option in row["options"]]
    lines = [f"{letter}.) {option}" for letter, option in zip(ascii_uppercase, options, strict=False)]
    query = "\n".join([f"Passage: {row['passage']}", f"Q: {row['question']}", "Choices:", *lines, "Answer:"])
    letters = list(ascii_uppercase[: len(options)])
    yield _chosen(query, letters, letters.index(row["label"]))


def _language_identification(row: Row) -> Iterator[Row]:
    """BIG-bench's task.json, one row that holds all: for every sentence {language: 1 for the right one, else 0}."""
    for example in row["examples"]:
        languages = list(example["target_scores"])
        letters = list(ascii_uppercase[: len(languages)])
        lines = [f"{letter}. {language}" for letter, language in zip(letters, languages, strict=True)]
        question = "Given a sentence, select the correct language among the choices"
        query = "\n".join([question, f"Sentence: {example['input']}", *lines, "Answer: "])
        yield _chosen(query, letters, list(example["target_scores"].values()).index(1))


def _chosen(query: str, choices: list[str], gold: int) -> Row:
    return {"query": query, "choices": choices, "gold": gold}


_READERS: dict[str, Callable[[Row], Iterable[Row]]] = {
    "hellaswag_zeroshot": _hellaswag,
    "hellaswag": _hellaswag,
    "jeopardy": _jeopardy,
    "arc_easy": _arc,
    "arc_challenge": _arc,
    "copa": _copa,
    "commonsense_qa": _commonsense_qa,
    "piqa": _piqa,
    "openbook_qa": _openbook_qa,
    "lambada_openai": _lambada,
    "winograd": _winograd,
    "winogrande": _winograd,
    "agi_eval_lsat_ar": _lsat,
    "squad": _squad,
    "coqa": _coqa,
    "boolq": _boolq,
    "bigbench_language_identification": _language_identification,
}
