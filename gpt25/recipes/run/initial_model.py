"""The model that a run starts from, found again, or no longer needed, when the run resumes."""

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
_DIGEST_DIGITS = 12


@dataclasses.dataclass(frozen=True)
class InitialModel:
    """A model to start from; `model` is None once the run's own checkpoints have taken its place."""

    start: StartConfiguration
    """The MODEL that it was loaded from, and the hash of its weights."""
    shape: GPTConfiguration
    tokenizer: Tokenizer | None
    """Its own tokenizer, None where it has none."""
    model: GPTModel | None = None

    def adapt(self, configuration: TrainingConfiguration) -> TrainingConfiguration:
        """The configuration with this model's shape, the requested dropout, and at most the model's own block size.

        Tokens of updates are rounded down to whole rows of that block size. Raises ConfigurationError for a
        requested shape that is another one.
        """
        requested, default = configuration.model, GPTConfiguration()
        for name in _SHAPE:
            value, own = getattr(requested, name), getattr(self.shape, name)
            if value not in (own, getattr(default, name)):
                raise ConfigurationError(
                    f"model.{name} is {value}; {self.start.model} has {own}. A run that starts from a model takes its "
                    "shape: leave the field out."
                )
        shape = dataclasses.replace(requested, **{name: getattr(self.shape, name) for name in _SHAPE})
        block_size = min(requested.block_size, self.shape.block_size)
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
        weights = dict(self.model.named_parameters())
        with torch.no_grad():
            for name, parameter in fitted.named_parameters():
                parameter.copy_(weights[name][: len(parameter)])  # only the positions can be fewer than in the model
        return fitted


def find_initial_model(
    run: RunDirectory, requested: StartConfiguration, previous: TrainingConfiguration | None
) -> InitialModel | None:
    """The model that a run starts or was started from; None for random weights.

    previous: the configuration that the run started with, None for a new run. A run that has a checkpoint needs its
    model no more: it is opened only where it is requested by another name, and must then hold the same weights. Raises
    ConfigurationError where the recipe needs a model and none is named, and naming both where the model is not the one
    that the run started from; WeightsError and StorageError where it cannot be loaded.
    """
    start = previous.start if previous else StartConfiguration()
    word = requested.model or start.model
    if word is None:
        if requested.required:
            raise ConfigurationError(
                "the recipe starts from a model and none is named: add --start MODEL (gpt2, a Hub id owner/name, a "
                "Hugging Face directory or a run)."
            )
        return None
    if previous and start.model is None:
        raise ConfigurationError(
            f"{run.path} holds a run that began with random weights; it cannot start from {word} any more. Choose "
            "another --run directory."
        )
    checkpoints = run.checkpoints()
    if previous and checkpoints and word == start.model:
        path = checkpoints[-1].path
        return InitialModel(start, previous.model, Tokenizer.load(path) if Tokenizer.is_in(path) else None)
    model, tokenizer = load_pretrained(word)
    found = weights_sha256(model)
    if previous and found != start.weights_sha256:
        raise ConfigurationError(
            f"{run.path} was begun with the weights of {start.model} ({_short(start.weights_sha256)}), and {word} "
            f"has others ({_short(found)}). Choose another --run directory, or give the old model."
        )
    word = start.model if previous else word
    requested = dataclasses.replace(requested, model=word, weights_sha256=found)
    return InitialModel(requested, model.configuration, tokenizer, model)


def _short(digest: str | None) -> str:
    return "unknown" if digest is None else digest[:_DIGEST_DIGITS]
