"""The model that a run starts from, found again or left alone when the run goes on."""

import dataclasses

import torch

from gpt25.errors import ConfigurationError
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.records import RunDirectory
from gpt25.tokenizer import Tokenizer
from gpt25.training import StartConfiguration, TrainingConfiguration
from gpt25.weights import load_pretrained, weights_sha256

_SHAPE = (
    "vocabulary_size",
    "number_of_layers",
    "number_of_heads",
    "number_of_embedding_dimensions",
    "layer_norm_epsilon",
)
_SHOWN_DIGITS = 12


@dataclasses.dataclass(frozen=True)
class InitialModel:
    """A model to start from; `model` is None once the run's own checkpoints have taken its place."""

    start: StartConfiguration
    """Its word and the hash of its weights."""
    shape: GPTConfiguration
    tokenizer: Tokenizer | None
    """Its own tokenizer, None where it has none."""
    model: GPTModel | None = None

    def adapt(self, configuration: TrainingConfiguration) -> TrainingConfiguration:
        """The configuration with this model's shape, the dropout that it asks for, and at most its own block size.

        Tokens of updates are rounded down to whole rows of that block size. Raises ConfigurationError for a shape that
        was asked for and is another one.
        """
        asked, usual = configuration.model, GPTConfiguration()
        for name in _SHAPE:
            value, own = getattr(asked, name), getattr(self.shape, name)
            if value not in (own, getattr(usual, name)):
                raise ConfigurationError(
                    f"model.{name} is {value}; {self.start.model} has {own}. A run that starts from a model takes its "
                    "shape: leave the field out."
                )
        shape = dataclasses.replace(asked, **{name: getattr(self.shape, name) for name in _SHAPE})
        block_size = min(asked.block_size, self.shape.block_size)
        return dataclasses.replace(
            configuration,
            start=self.start,
            model=dataclasses.replace(shape, block_size=block_size),
            batch=configuration.batch.in_whole_rows(block_size),
        )

    def build(self, configuration: GPTConfiguration) -> GPTModel | None:
        """The weights in a model of this configuration: other dropout, positions beyond its block size cut off.

        In memory of their own, laid out as in a model that was built here: training writes all of them, and a resumed
        run, which is built and then filled, must round as this one does.
        """
        if self.model is None:
            return None
        with torch.device("meta"):
            fitted = GPTModel(configuration)
        fitted.to_empty(device="cpu")
        fitted.tie_head()
        given = dict(self.model.named_parameters())
        with torch.no_grad():
            for name, parameter in fitted.named_parameters():
                parameter.copy_(given[name][: len(parameter)])  # only the positions can be fewer than those given
        return fitted


def initial_model(
    run: RunDirectory, asked: StartConfiguration, begun: TrainingConfiguration | None
) -> InitialModel | None:
    """The model that a run starts or was started from; None for random weights.

    begun: what the run was begun with, None for a new one. A run that has a checkpoint needs its model no more: it is
    opened only where another word names it now, and must then hold the same weights. Raises ConfigurationError where
    the recipe needs a model and none is named, and naming both where the model is not the one that the run was begun
    with; WeightsError and StorageError where it cannot be loaded.
    """
    before = begun.start if begun else StartConfiguration()
    word = asked.model or before.model
    if word is None:
        if asked.required:
            raise ConfigurationError(
                "the recipe starts from a model and none is named: add --start MODEL (gpt2, a Hub id owner/name, a "
                "Hugging Face directory or a run)."
            )
        return None
    if begun and before.model is None:
        raise ConfigurationError(
            f"{run.path} holds a run that began with random weights; it cannot start from {word} any more. Choose "
            "another --run directory."
        )
    checkpoints = run.checkpoints()
    if begun and checkpoints and word == before.model:
        path = checkpoints[-1].path
        return InitialModel(before, begun.model, Tokenizer.load(path) if Tokenizer.is_in(path) else None)
    model, tokenizer = load_pretrained(word)
    found = weights_sha256(model)
    if begun and found != before.weights_sha256:
        raise ConfigurationError(
            f"{run.path} was begun with the weights of {before.model} ({_short(before.weights_sha256)}), and {word} "
            f"has others ({_short(found)}). Choose another --run directory, or give the old model."
        )
    word = before.model if begun else word
    start = dataclasses.replace(asked, model=word, weights_sha256=found)
    return InitialModel(start, model.configuration, tokenizer, model)


def _short(digest: str | None) -> str:
    return "unknown" if digest is None else digest[:_SHOWN_DIGITS]
