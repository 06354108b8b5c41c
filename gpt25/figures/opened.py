"""A model as a caller may give it, opened: with its tokenizer, and the name that pictures give it."""

from dataclasses import dataclass
from pathlib import Path

from gpt25.errors import InspectionError
from gpt25.figures.model_labels import model_labels
from gpt25.inspection import prompt_tokens, token_labels
from gpt25.model import PUBLISHED_CONFIGURATIONS, GPTModel
from gpt25.records import RunDirectory
from gpt25.tokenizer import Tokenizer
from gpt25.weights import load_pretrained

AnyModel = GPTModel | RunDirectory | str | Path
"""A model, or a word that means one: a size name, a Hub id, a model directory, or a run (RUN@500 its checkpoint)."""

_VOCABULARY_OF_GPT2 = PUBLISHED_CONFIGURATIONS["gpt2"].vocabulary_size


@dataclass(frozen=True)
class OpenedModel:
    """A model that is ready to be looked into."""

    name: str
    model: GPTModel
    tokenizer: Tokenizer | None

    def read(self, prompt: str | list[int]) -> tuple[list[int], list[str]]:
        """Token ids of a prompt (or the ids themselves) and their labels; InspectionError where it cannot be read."""
        if isinstance(prompt, str) and self.tokenizer is None:
            raise InspectionError(
                "this model has no tokenizer, so it cannot read a prompt; give one with tokenizer=, or token ids for a "
                "prompt. load_pretrained returns both."
            )
        token_ids = prompt_tokens(self.model, self.tokenizer, prompt) if isinstance(prompt, str) else prompt
        return token_ids, self.labels(token_ids)

    def labels(self, token_ids: list[int]) -> list[str]:
        """A label for each token: its text, or its number where there is no tokenizer."""
        if self.tokenizer is None:
            return [f"#{token_id}" for token_id in token_ids]
        return token_labels(self.tokenizer, token_ids)


def opened(model: AnyModel, *, tokenizer: Tokenizer | None = None, name: str | None = None) -> OpenedModel:
    """Load what is a word; a GPTModel is taken as it is.

    tokenizer: of a GPTModel, which has none of its own; without one, GPT-2's where the vocabulary is of its size.
    name: what pictures call the model; the last part of a word without it. Raises what load_pretrained raises.
    """
    if isinstance(model, GPTModel):
        if tokenizer is None and model.configuration.vocabulary_size == _VOCABULARY_OF_GPT2:
            tokenizer = Tokenizer.gpt2()
        return OpenedModel("model" if name is None else name, model, tokenizer)
    word = str(model.path) if isinstance(model, RunDirectory) else str(model)
    loaded, own_tokenizer = load_pretrained(word)
    (label,) = model_labels([word])
    return OpenedModel(label if name is None else name, loaded, own_tokenizer if tokenizer is None else tokenizer)
