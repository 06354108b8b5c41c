"""The settings of a sampling request, and their bounds."""

import dataclasses
import difflib
import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict

from gpt25.errors import GenerationError
from gpt25.generation.short_repr import short_repr

MOST_SAMPLES = 1024
MOST_NEW_TOKENS = 1 << 20  # the largest block size that a configuration may have
MOST_STOP_STRINGS = 16
LONGEST_STOP_STRING = 256  # characters
MOST_BIASED_TOKENS = 1024
LARGEST_BIAS = 100  # a logit that much lower is never drawn, one that much higher nearly always
# Beyond these, float32 would divide by zero or by infinity; long before them the likeliest token is as good as certain,
# or all tokens are equal.
_SMALLEST_TEMPERATURE, _LARGEST_TEMPERATURE = 1e-30, 1e30
LARGEST_LOGIT = 1e30
"""Penalised logits stay within this, so that none makes an infinity or, later, infinity - infinity."""
_SEEDS = 1 << 32  # a drawn seed is short enough to be typed again

_WHOLE_NUMBERS = {  # field: smallest, largest, what None means (or no None)
    "samples": (1, MOST_SAMPLES, None),
    "max_new_tokens": (1, MOST_NEW_TOKENS, "None for as many as fit, at most 256"),
    "top_k": (1, 1 << 24, "None for all tokens"),
    "seed": (0, (1 << 63) - 1, "None for a fresh one"),
}


class SamplingChanges(TypedDict, total=False):
    """The fields of SamplingSettings as keyword arguments, for functions that take `**changes`."""

    temperature: float
    top_k: int | None
    top_p: float | None
    min_p: float | None
    repetition_penalty: float
    frequency_penalty: float
    presence_penalty: float
    logit_bias: Mapping[int, float] | Sequence[tuple[int, float]]
    stop: str | Sequence[str]
    max_new_tokens: int | None
    samples: int
    seed: int | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class SamplingSettings:
    """How the next token is chosen and when a text ends; checked on construction.

    The order of operations is that of `transformers`: repetition penalty, temperature, top_k, top_p, min_p. Biases,
    which it does not have, come before all; frequency and presence penalty right after the repetition penalty.
    Temperature 0 ignores what follows the penalties.

    Raises GenerationError (a ValueError) naming the field, its value and its range.
    """

    temperature: float = 1.0
    """Logits are divided by it; below 1 bolder for the likely, above 1 more even; 0 always takes the likeliest."""
    top_k: int | None = None
    """Only the k likeliest tokens, and those exactly as likely as the last of them. Fan et al. 2018,
    "Hierarchical Neural Story Generation"."""
    top_p: float | None = None
    """Only the nucleus: the fewest likeliest tokens that together hold this probability, and those exactly as likely as
    the last of them. Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1."""
    min_p: float | None = None
    """Only tokens at least this times as likely as the likeliest. Nguyen et al. 2024, "Turning Up the Heat: Min-p
    Sampling for Creative and Coherent LLM Outputs"."""
    repetition_penalty: float = 1.0
    """Logits of tokens in the prompt or the new text are divided by it when positive and multiplied when negative; 1 is
    off. Keskar et al. 2019, "CTRL", section 4.1; multiplication of negative logits as in `transformers`."""
    frequency_penalty: float = 0.0
    """Subtracted from a token's logit once for every time it stands in the new text. OpenAI API reference,
    "Frequency and presence penalties"."""
    presence_penalty: float = 0.0
    """Subtracted once from the logit of every token that stands in the new text. Same source."""
    logit_bias: tuple[tuple[int, float], ...] = ()
    """What is added to the logits of single tokens, from -100 (never drawn) to 100 (nearly always): pairs of id and
    bias; a mapping becomes such pairs, in the order of ids. OpenAI API reference, "logit_bias"."""
    stop: tuple[str, ...] = ()
    """The text ends before the first of these strings; a single string or a list becomes a tuple."""
    max_new_tokens: int | None = None
    """Most new tokens of one sample; None means what the block size leaves, at most 256."""
    samples: int = 1
    """Texts wanted for one prompt, independent of one another."""
    seed: int | None = None
    """Sample i depends on (seed, i) alone, not on how many are drawn beside it; None draws a fresh seed."""

    def __post_init__(self) -> None:
        for name, (smallest, largest, without) in _WHOLE_NUMBERS.items():
            _require_whole_number(name, getattr(self, name), smallest, largest, without)
        _require(self, "temperature", lambda value: value >= 0, "of at least 0; 0 always takes the likeliest token")
        _require(
            self, "top_p", lambda value: 0 < value <= 1, "above 0 and at most 1, or None to be off", may_be_off=True
        )
        _require(
            self,
            "min_p",
            lambda value: 0 <= value < 1,
            "from 0 up to but not including 1, or None to be off",
            may_be_off=True,
        )
        _require(self, "repetition_penalty", lambda value: 0 < value <= 100, "above 0 and at most 100; 1 is off")
        _require(self, "frequency_penalty", lambda value: -2 <= value <= 2, "from -2 to 2; 0 is off")
        _require(self, "presence_penalty", lambda value: -2 <= value <= 2, "from -2 to 2; 0 is off")
        object.__setattr__(self, "logit_bias", _checked_bias(self.logit_bias))
        object.__setattr__(self, "stop", _checked_stop(self.stop))

    @property
    def is_greedy(self) -> bool:
        """Whether the likeliest token is always taken, so that the seed makes no difference."""
        return self.temperature == 0

    @property
    def bounded_temperature(self) -> float:
        """The temperature within what float32 can divide by."""
        return min(max(self.temperature, _SMALLEST_TEMPERATURE), _LARGEST_TEMPERATURE)

    @property
    def changes_logits(self) -> bool:
        """Whether biases or the tokens so far change the logits."""
        has_penalties = self.repetition_penalty != 1 or self.frequency_penalty != 0 or self.presence_penalty != 0
        return has_penalties or bool(self.logit_bias)

    def with_seed(self) -> "SamplingSettings":
        """The same settings with a seed: their own, or a fresh one where they have none."""
        return self if self.seed is not None else self.changed({"seed": secrets.randbelow(_SEEDS)})

    def changed(self, changes: Mapping[str, object]) -> "SamplingSettings":
        """These settings with some fields replaced; a field that does not exist is an error naming the nearest one."""
        known = [field.name for field in dataclasses.fields(self)]
        for name in changes:
            if name not in known:
                nearest = difflib.get_close_matches(str(name), known, n=1)
                advice = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(known)}."
                raise GenerationError(f"there is no setting {name!r}; {advice}")
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]  # the values are checked on construction


def _require_whole_number(name: str, value: object, smallest: int, largest: int, without: str | None) -> None:
    if value is None and without is not None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not smallest <= value <= largest:
        alternative = f", or {without}" if without else ""
        raise GenerationError(
            f"{name} is {short_repr(value)}; it must be a whole number from {smallest} to {largest}{alternative}."
        )


def _require(
    settings: SamplingSettings, name: str, holds: Callable[[float], bool], allowed: str, *, may_be_off: bool = False
) -> None:
    """Refuse a field that is no finite number for which `holds` is true; None only where it may be off."""
    value = getattr(settings, name)
    if value is None and may_be_off:
        return
    if not _is_finite_number(value) or not holds(value):
        raise GenerationError(f"{name} is {short_repr(value)}; it must be a finite number {allowed}.")


def _is_finite_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _checked_bias(bias: object) -> tuple[tuple[int, float], ...]:
    pairs = list(bias.items()) if isinstance(bias, Mapping) else bias
    if not isinstance(pairs, list | tuple) or any(not isinstance(pair, tuple) or len(pair) != 2 for pair in pairs):
        raise GenerationError(f"logit_bias is {short_repr(bias)}; it must be a mapping of token ids to numbers.")
    if len(pairs) > MOST_BIASED_TOKENS:
        raise GenerationError(f"logit_bias has {len(pairs)} tokens; it may have at most {MOST_BIASED_TOKENS}.")
    for token_id, value in pairs:
        if isinstance(token_id, bool) or not isinstance(token_id, int) or token_id < 0:
            raise GenerationError(
                f"logit_bias names the token {short_repr(token_id)}; ids are whole numbers from 0 on."
            )
        if not _is_finite_number(value) or not -LARGEST_BIAS <= value <= LARGEST_BIAS:
            raise GenerationError(
                f"logit_bias of token {token_id} is {short_repr(value)}; it must be a finite number from "
                f"{-LARGEST_BIAS} to {LARGEST_BIAS}."
            )
    if len({token_id for token_id, _ in pairs}) < len(pairs):
        raise GenerationError("logit_bias names a token twice; give each one bias.")
    return tuple(sorted((token_id, float(value)) for token_id, value in pairs))


def _checked_stop(stop: object) -> tuple[str, ...]:
    strings = (stop,) if isinstance(stop, str) else stop
    if not isinstance(strings, list | tuple):
        raise GenerationError(
            f"stop is {short_repr(stop)}; it must be a string or a list of at most {MOST_STOP_STRINGS} strings."
        )
    if len(strings) > MOST_STOP_STRINGS:
        raise GenerationError(f"stop has {len(strings)} strings; it may have at most {MOST_STOP_STRINGS}.")
    for string in strings:
        if not isinstance(string, str) or not 1 <= len(string) <= LONGEST_STOP_STRING:
            raise GenerationError(
                f"stop holds {short_repr(string)}; each must be a string of 1 to {LONGEST_STOP_STRING} characters."
            )
        if any("\ud800" <= character <= "\udfff" for character in string):
            raise GenerationError(
                f"stop holds {short_repr(string)}; a lone surrogate never occurs in a text, so remove it."
            )
    return tuple(strings)
