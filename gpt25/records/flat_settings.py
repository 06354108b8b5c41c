"""A recipe's settings without its sections."""

from typing import Any


def flat_settings(settings: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """flat_settings({"loop": {"seed": 7}}) -> {"loop.seed": "7"}: every value in words, under its full name."""
    flat: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat |= flat_settings(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = str(value)
    return flat
