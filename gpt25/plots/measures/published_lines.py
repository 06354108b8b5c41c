"""The published losses and HellaSwag scores that a report draws as horizontal lines, where they are comparable."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from gpt25.references.published_score import PARAMETERS
from gpt25.references.scores import PUBLISHED_SCORES

DataSetName = Literal["fineweb", "fineweb-edu", "openwebtext"]
HELLASWAG = "hellaswag_accuracy_norm"
"""The field of metrics.jsonl that holds HellaSwag's acc_norm in the completion style."""
HELLASWAG_ITEMS = 10_042  # of the full validation set, which published figures are of
_NAMES = {
    "gpt2": "GPT-2 124M",
    "gpt2-medium": "GPT-2 350M",
    "gpt2-large": "GPT-2 774M",
    "gpt2-xl": "GPT-2 1558M",
    "gpt3-small": "GPT-3 125M",
    "gpt3-medium": "GPT-3 350M",
    "gpt3-large": "GPT-3 760M",
    "gpt3-xl": "GPT-3 1.3B",
}


@dataclass(frozen=True)
class PublishedLine:
    """A published figure as a line that a curve can cross."""

    label: str
    """Whose: "GPT-2 124M"."""
    value: float
    definition: str
    source: str
    measure: str = "validation_loss"
    """The field of metrics.jsonl that it stands beside."""

    @property
    def higher_is_better(self) -> bool:
        """Whether the better side of the line is above it."""
        return self.measure == HELLASWAG


def loss_lines(data_set: DataSetName | None, *, parameters: int | None = None) -> list[PublishedLine]:
    """OpenAI's losses on that set, the smallest model first; none where the set is unknown.

    parameters: of the largest run; models more than twice as large are left out, the smallest never.
    """
    return _lines(data_set, "loss", parameters)


def hellaswag_lines(parameters: int | None = None) -> list[PublishedLine]:
    """HellaSwag in the completion style, acc_norm: GPT-2's in bfloat16 as llm.c has it, and GPT-3's."""
    lines = _lines("hellaswag", "accuracy_norm", parameters)
    return [
        dataclasses.replace(line, label=f"{line.label} on HellaSwag", measure=HELLASWAG)
        for line in lines
        if "float32" not in line.definition
    ]


def _lines(task: str | None, metric: str, parameters: int | None) -> list[PublishedLine]:
    most = 2 * (parameters or PARAMETERS["gpt2"])
    return [
        PublishedLine(_NAMES[score.model], score.value, score.definition, score.source)
        for score in PUBLISHED_SCORES
        if score.task == task
        and score.metric == metric
        and (score.model in ("gpt2", "gpt3-small") or score.parameters <= most)
    ]
