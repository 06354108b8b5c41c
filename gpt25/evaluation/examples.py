"""A task's data, read once for all models that are scored on it."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

from gpt25.counted import counted
from gpt25.data import LARGEST_DOCUMENT_BYTES
from gpt25.errors import DataError, EvaluationError
from gpt25.evaluation.core.core import fetch_core_files, find_core_files
from gpt25.evaluation.protocols.choice_item import ChoiceItem
from gpt25.evaluation.protocols.corpus_text import CorpusText
from gpt25.evaluation.protocols.last_word import LastWordItem
from gpt25.evaluation.sets.checked_items import CheckedItems, checked_items, left_out_note
from gpt25.evaluation.sets.data_files import Row, SetFile
from gpt25.evaluation.sets.detokenisers import detokenise
from gpt25.evaluation.sets.harness_wikitext import harness_page, harness_pages
from gpt25.evaluation.sets.hub_sets import fetch_set
from gpt25.evaluation.sets.row_fields import text_of
from gpt25.evaluation.task import Task
from gpt25.storage import is_directory, is_file, with_newlines

T = TypeVar("T")
_WHOLE_BYTES, _TEST_BYTES = 100_000_000, 5_000_000  # enwik8 and text8: the last 5 % are the usual test part
_ARTICLE = re.compile(r"^(?= = [^=\n]+ = $)", re.MULTILINE)


@dataclass(frozen=True)
class Examples:
    """What a task is scored on: one of the fields beside `source` is filled, by the task's kind."""

    source: str
    """Where it came from, for people."""
    choices: Sequence[ChoiceItem] = ()
    last_words: Sequence[LastWordItem] = ()
    texts: Sequence[CorpusText] = ()
    shards: str | None = None
    core: dict[str, Path] | None = None
    left_out: Sequence[str] = ()
    """What was wrong with rows that were left out, a sentence each."""


def read_examples(
    task: Task,
    data: str | None,
    *,
    skip_invalid: bool = False,
    largest_document_bytes: int = LARGEST_DOCUMENT_BYTES,
) -> Examples:
    """The examples of a task from a file of one's own (CORE and shards: a directory), or from the Hub by name.

    skip_invalid: leave rows that cannot be read out and tell which; texts and shards have none.
    largest_document_bytes: the most that a file of text or JSON may have, unpacked.

    Raises DataError or EvaluationError with the file, the row and the fields that were looked for.
    """
    if task.kind == "core":
        return _core_files(data)
    if data is None and not task.hub:
        raise EvaluationError(f"the task {task.name} needs --data DIRECTORY with token shards.")
    if task.kind == "shards":
        return Examples(data or f"{task.hub[0].repository} on the Hub", shards=data or str(fetch_set(task.hub[0])))
    if data is None:
        paths = [fetch_set(part) for part in task.hub]
        source = f"{task.hub[0].repository} on the Hub"
    else:
        paths, source = [Path(data)], data
        if not is_file(paths[0]):
            raise DataError(f"{data} is no file; --data takes one file of the set {task.name}.")
    files = [SetFile(path, largest_document_bytes) for path in paths]
    if task.kind == "text":
        texts = list(_texts(task, files))
        source += _never_detokenised(task, texts)
        return Examples(_of_another_release(task, source, (text.text for text in texts)), texts=texts)
    if task.kind == "last word":
        words = _items(task, source, files, _last_word, skip_invalid)
        known = _of_another_release(task, source, (item.context for item in words.items))
        return Examples(known + left_out_note(words.left_out), last_words=words.items, left_out=words.left_out)
    assert task.read is not None
    choices = _items(task, source, files, task.read, skip_invalid)
    return Examples(source + left_out_note(choices.left_out), choices=choices.items, left_out=choices.left_out)


def _core_files(data: str | None) -> Examples:
    if data is None:
        files = fetch_core_files(fetch_set)
        return Examples(f"{counted(len(files), 'sets')} on the Hub", core=files)
    if not is_directory(data):
        raise DataError(f"{data} is no directory; CORE needs one that holds its sets' files.")
    return Examples(data, core=find_core_files(Path(data)))


def _of_another_release(task: Task, source: str, texts: Iterable[str]) -> str:
    """The source, with a warning where its text is not the release that the published figures are of."""
    if task.kind == "last word" and all(text == text.lower() for text in texts):
        return f"{source} (the lower-cased release, not OpenAI's text: the published figures are of another)"
    if task.name.startswith("wikitext") and any("<unk>" in text for text in texts):
        return f"{source} (the release with <unk>, not the raw one: the published figures are of another)"
    return source


def _never_detokenised(task: Task, texts: Sequence[CorpusText]) -> str:
    """A warning where the de-tokeniser found nothing to do, so that the text is not what its figures are of."""
    as_it_is = task.detokeniser is None and task.documents != "harness pages"
    if as_it_is or any(len(text.text) != text.characters for text in texts):
        return ""
    return (
        f" (no line of it was de-tokenised: it is not cut into words as {task.name} is, and the published figures are "
        "of another text)"
    )


def _items(
    task: Task, source: str, files: Sequence[SetFile], read: Callable[[Row], T], skip_invalid: bool
) -> CheckedItems[T]:
    """Items of rows; a row that does not fit is named with its file, number and fields."""
    numbered = (
        (f"{file.path if len(files) > 1 else source}, row {number:,}", row)
        for file in files
        for number, row in enumerate((task.gather or iter)(file.rows()), 1)
    )
    found = checked_items(numbered, read, reader=f"the task {task.name}", source=source, skip_invalid=skip_invalid)
    if not found.items:
        raise DataError(f"{source} holds no items for the task {task.name}.")
    return found


def _last_word(row: Row) -> LastWordItem:
    if "continuation" in row:
        return LastWordItem(text_of(row, "context"), " " + text_of(row, "continuation").strip())
    item = LastWordItem.of_passage(text_of(row, "text").rstrip())
    if not item.context.strip():
        raise ValueError("a passage needs at least two words")
    return item


def _texts(task: Task, files: Sequence[SetFile]) -> Iterator[CorpusText]:
    if task.documents == "harness pages":
        yield from _pages(task, files)
        return
    whole = "".join(file.text() for file in files)
    if task.detokeniser is not None:
        whole = with_newlines(whole)  # the releases have \n alone, and the rules of lines are written for it
    else:
        content = whole.encode("utf-8")
        if len(content) == _WHOLE_BYTES:
            whole = content[-_TEST_BYTES:].decode("utf-8", "replace")
    if not whole.strip():
        raise DataError(f"{files[0].path} holds no text for the task {task.name}.")
    if task.documents == "lines":
        yield from (_document(task, line) for line in whole.split("\n") if line.strip())
        return
    articles = _articles(whole) if task.detokeniser == "wikitext" else []
    kind, parts = ("articles", articles) if len(articles) > 1 else ("lines", re.split(r"(?<=\n)", whole))
    if task.documents == "articles":
        yield from (_document(task, part) for part in articles if part.strip())
    else:
        yield CorpusText.of_parts([_document(task, part) for part in parts if part], kind=kind)


def _articles(whole: str) -> list[str]:
    """The text cut before every heading of the first level; the blank line before the first one stays with it."""
    before, *articles = _ARTICLE.split(whole)
    return [before + articles[0], *articles[1:]] if articles and not before.strip() else [before, *articles]


def _document(task: Task, original: str) -> CorpusText:
    return CorpusText.of(original, detokenise(task.detokeniser, original) if task.detokeniser else original)


def _pages(task: Task, files: Sequence[SetFile]) -> Iterator[CorpusText]:
    """A page a row, as EleutherAI/wikitext_document_level has them, or those of the release's text."""
    count = 0
    for file in files:
        rows = file.rows()
        first = next(rows, {})
        if isinstance(first.get("page"), str):
            pages: Iterable[str] = (text_of(row, "page") for row in chain([first], rows))
        else:
            pages = harness_pages(with_newlines(file.text()))
        for page in pages:
            count += 1
            yield harness_page(page)
    if not count:
        raise DataError(f"{files[0].path} holds no text for the task {task.name}.")
