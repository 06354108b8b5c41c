"""What the sections of a configuration ask of their fields."""

import math
from typing import Any

from gpt25.errors import ConfigurationError


def require(holds: bool, field: str, value: Any, rule: str) -> None:
    """Raise ConfigurationError naming the field, its value and the rule that it breaks."""
    if not holds:
        raise ConfigurationError(f"{field} is {value!r}; it must be {rule}.")


def is_number(value: Any) -> bool:
    """Whether a value is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


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
