"""The generation_kwargs of a task of lm-evaluation-harness, as far as they ask for a greedy answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpt25.errors import EvaluationError

DEFAULT_NEW_TOKENS = 256
"""What the harness takes where a task does not say."""

_LENGTH_NAMES = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
"""One thing by four names; of several the first one in this order counts, as in the harness."""

_SAMPLING_NAMES = ("temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff")
"""What transformers leaves unread while the likeliest token is taken."""

_WITHOUT_EFFECT = {"num_beams": 1, "num_return_sequences": 1, "repetition_penalty": 1, "no_repeat_ngram_size": 0}
"""Settings of other kinds of search, and the value with which each changes nothing."""


@dataclass(frozen=True)
class GenerationSettings:
    """A greedy answer: where it ends."""

    stops: tuple[str, ...]
    max_new_tokens: int


def generation_settings(generation_kwargs: Mapping[str, Any], *, block_size: int) -> GenerationSettings:
    """The settings of one request, read as lm-evaluation-harness 0.4.13 reads them for a Hugging Face model.

    Raises EvaluationError, naming the setting, for whatever would give another text than a greedy one, for one that we
    do not know, and for a length that leaves no room for the prompt.
    """
    _refuse_sampling(generation_kwargs)
    known = {"until", "do_sample", *_LENGTH_NAMES, *_SAMPLING_NAMES}
    for name, value in generation_kwargs.items():
        if name not in known and not (name in _WITHOUT_EFFECT and value in (None, _WITHOUT_EFFECT[name])):
            raise EvaluationError(
                f"the task asks for {name}={value!r}, which is not done here: answers are greedy, and end at "
                "max_gen_toks or until. Take it out of the task's generation_kwargs, or of gen_kwargs."
            )
    return GenerationSettings(_stops(generation_kwargs.get("until")), _length(generation_kwargs, block_size))


def _refuse_sampling(generation_kwargs: Mapping[str, Any]) -> None:
    """Where do_sample is not said, a temperature above 0 asks for it."""
    do_sample, temperature = generation_kwargs.get("do_sample"), generation_kwargs.get("temperature", 0.0)
    if do_sample is not None and not isinstance(do_sample, bool):
        raise EvaluationError(f"the task says do_sample={do_sample!r}; it must be true or false.")
    if isinstance(temperature, bool) or not isinstance(temperature, int | float):
        raise EvaluationError(f"the task says temperature={temperature!r}; it must be a number.")
    if do_sample or (do_sample is None and temperature > 0):
        how = f"at temperature {temperature}" if "temperature" in generation_kwargs else "without a temperature"
        raise EvaluationError(
            f"the task asks for sampling {how}; only greedy answers are written here. Set do_sample to false in the "
            "task's generation_kwargs, or in gen_kwargs."
        )


def _stops(until: Any) -> tuple[str, ...]:
    stops = () if until is None else (until,) if isinstance(until, str) else until
    if not isinstance(stops, list | tuple) or not all(isinstance(stop, str) and stop for stop in stops):
        raise EvaluationError(
            f"the task says until={until!r}; it must be a text or a list of texts, none of them empty."
        )
    return tuple(stops)


def _length(generation_kwargs: Mapping[str, Any], block_size: int) -> int:
    given = [(name, generation_kwargs[name]) for name in _LENGTH_NAMES if generation_kwargs.get(name) is not None]
    name, value = given[0] if given else (_LENGTH_NAMES[0], DEFAULT_NEW_TOKENS)
    try:
        length = int(value)
    except (TypeError, ValueError, OverflowError):
        length = 0
    if isinstance(value, bool) or length < 1:
        raise EvaluationError(f"the task says {name}={value!r}; it must be a whole number, at least 1.")
    if length >= block_size:
        said = f"says {name}={value!r}" if given else f"does not say {name}, so that it is {value}"
        raise EvaluationError(
            f"the task {said}, and the model's block holds {block_size:,} tokens, prompt and answer together. Set "
            f"{name} to at most {block_size - 1:,}."
        )
    return length
