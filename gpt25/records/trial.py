"""Whether a run is a trial of a larger job."""

from collections.abc import Mapping
from typing import Any


def is_trial(recipe: Mapping[str, Any]) -> bool:
    """Whether a run's recipe, as run.toml has it, says that its figures may not stand beside published ones."""
    track = recipe.get("track")
    return isinstance(track, Mapping) and track.get("trial") is True
