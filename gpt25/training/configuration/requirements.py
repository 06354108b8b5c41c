"""What the sections of a configuration ask of their fields."""

import dataclasses
import math
from typing import Any

from gpt25.errors import ConfigurationError

LARGEST_WHOLE_NUMBER = 1 << 40  # a trillion, of tokens, of updates, of rows
LARGEST_NUMBER = 1e9  # of seconds, thirty years, which is what clocks of nanoseconds bear; of money, rates, epochs
LARGEST_SEED = (1 << 63) - 1
_LONGEST_SHOWN = 40  # digits


def require(holds: bool, field: str, value: Any, rule: str) -> None:
    """Raise ConfigurationError naming the field, its value and the rule that it breaks."""
    if not holds:
        raise ConfigurationError(f"{field} is {_shown(value)}; it must be {rule}.")


def _shown(value: Any) -> str:
    """The value as Python writes it; of a very long number, which Python may refuse to write, how long it is."""
    if isinstance(value, int) and abs(value) >= 10**_LONGEST_SHOWN:
        return f"a whole number of some {round(abs(value).bit_length() * math.log10(2)):,} digits"
    return repr(value)


def is_number(value: Any) -> bool:
    """Whether a value is a finite number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def require_bounded(section: Any, name: str) -> None:
    """Raise ConfigurationError for the first number of a section, also in its lists, that nothing could count to.

    The one upper bound of every field that has none of its own: far above what a run can mean, and low enough that no
    loop over it is endless and no product of it overflows. Without it 2^63 tokens an update would be planned for ever.
    """
    for field in dataclasses.fields(section):
        for value in _numbers(getattr(section, field.name)):
            largest = LARGEST_SEED if field.name == "seed" else LARGEST_WHOLE_NUMBER
            if isinstance(value, float):
                largest = int(LARGEST_NUMBER)
            rule = f"a number of at most {largest:,}"
            require(is_number(value) and abs(value) <= largest, f"{name}.{field.name}", value, rule)


def _numbers(value: Any) -> list[int | float]:
    if isinstance(value, tuple):
        return [number for item in value for number in _numbers(item)]
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


def require_positive(section: Any, name: str, *fields: str) -> None:
    """Raise ConfigurationError for the first of the section's fields that is no positive number."""
    for field in fields:
        value = getattr(section, field)
        require(is_number(value) and value > 0, f"{name}.{field}", value, "a positive number")


def require_fraction(section: Any, name: str, *fields: str) -> None:
    """Raise ConfigurationError for the first of the section's fields that is no fraction from 0 to 1."""
    for field in fields:
        value = getattr(section, field)
        require(is_number(value) and 0 <= value <= 1, f"{name}.{field}", value, "a fraction from 0 to 1")
