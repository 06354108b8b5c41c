"""CORE's items as requests: few-shot examples, the question, and its answers."""

import random
from collections.abc import Sequence

from gpt25.evaluation.core.core_tasks import CoreTask
from gpt25.evaluation.scoring.plan import common_prefix_length
from gpt25.evaluation.scoring.request import Request
from gpt25.evaluation.sets.data_files import Row
from gpt25.tokenizer import Tokenizer

_SHUFFLE_SEED = 1337  # nanochat's; it decides which items a limit keeps and which examples stand before an item
_FEW_SHOT_SEED = 1234


def shuffled_rows(rows: Sequence[Row], limit: int | None) -> list[Row]:
    """The rows in the shuffled order of nanochat, the first `limit` of them; examples are drawn from these alone."""
    shuffled = list(rows)
    random.Random(_SHUFFLE_SEED).shuffle(shuffled)
    return shuffled[:limit]


def requests_of(task: CoreTask, rows: Sequence[Row], number: int, tokenizer: Tokenizer) -> list[Request]:
    """One request for every answer of item `number`, each prompt encoded as one text after the token between documents.

    The answer begins where an item's prompts differ (multiple choice), where they begin to agree again (schema), or
    where the prompt without its answer ends.
    """
    others = [index for index in range(len(rows)) if index != number]
    chosen = random.Random(_FEW_SHOT_SEED + number).sample(others, min(task.number_of_shots, len(others)))
    few_shots = "".join(f"{_few_shot_example(task, rows[index])}\n\n" for index in chosen)
    row = rows[number]
    if task.kind == "language modelling":
        question = f"{few_shots}{row['context'].strip()}{task.delimiter}"
        start = tokenizer.encode(question.strip())
        tokens = tokenizer.encode(question + row["continuation"])
        return [_request(tokenizer, tokens, min(common_prefix_length(start, tokens), len(tokens) - 1))]
    if task.kind == "multiple choice":
        question = f"{few_shots}{row['query']}{task.delimiter}"
        prompts = [tokenizer.encode(f"{question}{choice}") for choice in row["choices"]]
        start_of_all = min(common_prefix_length(prompts[0], prompt) for prompt in prompts)
        return [_request(tokenizer, prompt, min(start_of_all, len(prompt) - 1)) for prompt in prompts]
    prompts = [
        tokenizer.encode(f"{few_shots}{context}{task.delimiter}{row['continuation']}")
        for context in row["context_options"]
    ]
    agree = min(common_prefix_length(prompts[0][::-1], prompt[::-1]) for prompt in prompts)
    return [_request(tokenizer, prompt, len(prompt) - max(agree, 1)) for prompt in prompts]


def gold_of(task: CoreTask, row: Row) -> int:
    """The index of the right answer."""
    return 0 if task.kind == "language modelling" else int(row["gold"])


def _few_shot_example(task: CoreTask, row: Row) -> str:
    if task.kind == "language modelling":
        return f"{row['context'].strip()}{task.delimiter}{row['continuation']}"
    if task.kind == "multiple choice":
        return f"{row['query']}{task.delimiter}{row['choices'][int(row['gold'])]}"
    return f"{row['context_options'][int(row['gold'])]}{task.delimiter}{row['continuation']}"


def _request(tokenizer: Tokenizer, tokens: Sequence[int], start: int) -> Request:
    return Request((tokenizer.end_of_text_id, *tokens[:start]), tuple(tokens[start:]))
