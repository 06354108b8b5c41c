"""A run's positional embeddings, beside OpenAI's."""

from collections.abc import Callable

from gpt25.errors import GPT25Error
from gpt25.figures.positions import positions_of_model
from gpt25.plots import PositionsOfModel
from gpt25.records import RunDirectory
from gpt25.references.scores import nearest_model
from gpt25.storage import resolved
from gpt25.weights import cached_model


def positions_of_run(run: RunDirectory, *, note: Callable[[str], None]) -> list[PositionsOfModel]:
    """The run's positional embeddings, and OpenAI's where they are at hand; a remark where they cannot be read."""
    try:
        return _positions(run)
    except GPT25Error as problem:
        note(f"the report of {run.path} lacks the positional embeddings: {problem}")
        return []


def _positions(run: RunDirectory) -> list[PositionsOfModel]:
    """The newest checkpoint's, and those of the nearest of OpenAI's models that need no network and are as many."""
    checkpoints = run.checkpoints()
    if not checkpoints:
        return []
    own = positions_of_model(checkpoints[-1].path, f"{resolved(run.path).name}, update {checkpoints[-1].update:,}")
    summary = run.read_summary()
    published = nearest_model((summary.model_parameters if summary else None) or 1)
    cached = cached_model(f"openai-community/{published}")
    theirs = [] if cached is None else [positions_of_model(cached, f"OpenAI's {published}")]
    return [own, *(each for each in theirs if len(each.embeddings) == len(own.embeddings))]
