"""The Children's Book Test: twenty sentences of a story, and one more with a word missing."""

import re
from collections.abc import Iterable, Iterator

from gpt25.errors import DataError
from gpt25.evaluation.protocols.choice_item import ChoiceItem
from gpt25.evaluation.sets.data_files import Row
from gpt25.evaluation.sets.detokenisers import detokenise

_BLANK = "XXXXX"
_NUMBERED = re.compile(r"^(\d+) (.*)$")


def cloze_item(row: Row) -> ChoiceItem:
    """Every option with the rest of the sentence, after the story and the sentence's beginning.

    The text is de-tokenised with each option in its place (Radford et al. 2019, section 3.2). Rows have `sentences`,
    `question`, `options` and `answer`.
    """
    story = detokenise("stories", "\n".join(row["sentences"]), lossy=True).replace("\n", " ")
    before, _, after = row["question"].partition(_BLANK)
    beginning = detokenise("stories", before.rstrip(), lossy=True)
    contexts, continuations = [], []
    for option in row["options"]:
        sentence = detokenise("stories", f"{before}{option}{after}", lossy=True)
        # Where the option changes how its surroundings are joined, all that is not common counts as continuation.
        context = beginning if sentence.startswith(beginning) else ""
        contexts.append(f"{story} {context}".rstrip())
        continuations.append(" " + sentence[len(context) :].lstrip())
    return ChoiceItem(tuple(contexts), tuple(continuations), list(row["options"]).index(row["answer"]))


def cloze_rows(rows: Iterable[Row]) -> Iterator[Row]:
    """The release's own text files as rows: lines numbered 1 to 20, then 21 with question, answer and options.

    Rows that are not lines of text pass through as they are.
    """
    sentences: list[str] = []
    for row in rows:
        if set(row) != {"text"}:
            yield row
            continue
        match = _NUMBERED.match(row["text"])
        if match is None:
            continue
        if "\t" not in match[2]:
            sentences.append(match[2])
            continue
        fields = [field for field in match[2].split("\t") if field]
        if len(fields) != 3:
            raise DataError(
                f"a question of the Children's Book Test has {len(fields)} fields, expected question, answer and "
                f"options with tabs between: {match[2][:80]!r}"
            )
        question, answer, options = fields
        yield {"sentences": sentences, "question": question, "answer": answer, "options": options.split("|")}
        sentences = []
