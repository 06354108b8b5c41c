"""CORE's items as requests: solved examples, the question, and its answers."""

import random
from collections.abc import Sequence

from gpt25.evaluation.core.core_tasks import CoreTask
from gpt25.evaluation.scoring.request import Request
from gpt25.evaluation.sets.data_files import Row
from gpt25.tokenizer import Tokenizer

_SEED_OF_THE_ORDER = 1337  # nanochat's; it decides which items a limit keeps and which examples stand before an item
_SEED_OF_EXAMPLES = 1234


def in_order(rows: Sequence[Row], limit: int | None) -> list[Row]:
    """The rows in the shuffled order of nanochat, the first `limit` of them; examples are drawn from these alone."""
    shuffled = list(rows)
    random.Random(_SEED_OF_THE_ORDER).shuffle(shuffled)
    return shuffled[:limit]


def requests_of(task: CoreTask, rows: Sequence[Row], number: int, tokenizer: Tokenizer) -> list[Request]:
    """One request for every answer of item `number`, each prompt encoded as one text after the token between documents.

    The answer begins where the prompts of an item part (multiple choice), where they begin to agree again (schema), or
    where the prompt without its answer ends.
    """
    others = [place for place in range(len(rows)) if place != number]
    chosen = random.Random(_SEED_OF_EXAMPLES + number).sample(others, min(task.examples, len(others)))
    before = "".join(f"{_solved(task, rows[place])}\n\n" for place in chosen)
    row = rows[number]
    if task.kind == "language modelling":
        question = f"{before}{row['context'].strip()}{task.delimiter}"
        start = tokenizer.encode(question.strip())
        whole = tokenizer.encode(question + row["continuation"])
        return [_request(tokenizer, whole, min(_common(start, whole), len(whole) - 1))]
    if task.kind == "multiple choice":
        question = f"{before}{row['query']}{task.delimiter}"
        prompts = [tokenizer.encode(f"{question}{choice}") for choice in row["choices"]]
        start_of_all = min(_common(prompts[0], prompt) for prompt in prompts)
        return [_request(tokenizer, prompt, min(start_of_all, len(prompt) - 1)) for prompt in prompts]
    prompts = [
        tokenizer.encode(f"{before}{context}{task.delimiter}{row['continuation']}")
        for context in row["context_options"]
    ]
    agree = min(_common(prompts[0][::-1], prompt[::-1]) for prompt in prompts)
    return [_request(tokenizer, prompt, len(prompt) - max(agree, 1)) for prompt in prompts]


def gold_of(task: CoreTask, row: Row) -> int:
    """The number of the right answer."""
    return 0 if task.kind == "language modelling" else int(row["gold"])


def _solved(task: CoreTask, row: Row) -> str:
    if task.kind == "language modelling":
        return f"{row['context'].strip()}{task.delimiter}{row['continuation']}"
    if task.kind == "multiple choice":
        return f"{row['query']}{task.delimiter}{row['choices'][int(row['gold'])]}"
    return f"{row['context_options'][int(row['gold'])]}{task.delimiter}{row['continuation']}"


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    length = 0
    for first, second in zip(one, other, strict=False):
        if first != second:
            break
        length += 1
    return length


def _request(tokenizer: Tokenizer, tokens: Sequence[int], start: int) -> Request:
    return Request((tokenizer.end_of_text_id, *tokens[:start]), tuple(tokens[start:]))
