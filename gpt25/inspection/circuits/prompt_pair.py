"""Two prompts that differ in what matters, and the two answers that tell them apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from gpt25.errors import InspectionError
from gpt25.inspection.activations.edit import last_logits
from gpt25.model import GPTModel


@dataclass(frozen=True)
class PromptPair:
    """Two texts of one length, and what is measured on them: the logit of `answer` less that of `other`.

    Both are read off behind the last position. `prompt_pair` makes one and checks it.
    """

    clean: tuple[int, ...]
    corrupted: tuple[int, ...]
    answer: int
    other: int
    clean_difference: float
    """The logit of the answer less that of the other token, after the clean prompt."""
    corrupted_difference: float

    def share(self, difference: Tensor) -> Tensor:
        """0 where a difference of logits is that of the corrupted prompt, 1 where it is the clean one's."""
        return (difference - self.corrupted_difference) / (self.clean_difference - self.corrupted_difference)


def prompt_pair(
    model: GPTModel,
    clean: Sequence[int],
    corrupted: Sequence[int],
    *,
    answer: int | None = None,
    other: int | None = None,
) -> PromptPair:
    """A checked pair; without `answer` and `other` they are what the model finds likeliest after each prompt.

    Raises InspectionError for prompts of unequal length or the same tokens, for an answer that is the other, and where
    the prompts do not differ in what is measured.
    """
    if len(clean) != len(corrupted):
        raise InspectionError(
            f"the prompts have {len(clean):,} and {len(corrupted):,} tokens; patching needs equally many, so that "
            "every position has its counterpart."
        )
    if list(clean) == list(corrupted):
        raise InspectionError("the two prompts are the same tokens; change what should make the answer another one.")
    logits = last_logits(model, [list(clean), list(corrupted)], {}).float()  # (2, vocabulary)
    answer = int(logits[0].argmax()) if answer is None else answer
    other = int(logits[1].argmax()) if other is None else other
    vocabulary = model.configuration.vocabulary_size
    for token_id in (answer, other):
        if not 0 <= token_id < vocabulary:
            raise InspectionError(f"token id {token_id} is not one of this model's, 0 to {vocabulary - 1:,}.")
    if answer == other:
        raise InspectionError(
            f"after both prompts the model says the same, token {answer}; name an answer and another token to compare, "
            "--answer and --other of the command."
        )
    differences = (logits[:, answer] - logits[:, other]).tolist()
    if differences[0] == differences[1]:
        raise InspectionError("both prompts give the two tokens the same difference of logits: nothing can be patched.")
    return PromptPair(tuple(clean), tuple(corrupted), answer, other, *differences)
