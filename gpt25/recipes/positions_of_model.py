"""What is drawn of a model's positional embeddings."""

from pathlib import Path

from gpt25.inspection import (
    overall_roughness,
    position_similarity,
    position_spectrum,
    positional_embeddings,
    roughness,
)
from gpt25.plots import PositionsOfModel
from gpt25.weights import load_pretrained


def positions_of_model(word: str | Path, name: str) -> PositionsOfModel:
    """Load the model that a MODEL word means and look at where it puts its tokens; `name` is what pictures call it."""
    model, _ = load_pretrained(word)
    embeddings = positional_embeddings(model)
    return PositionsOfModel(
        name=name,
        embeddings=embeddings,
        similarity=position_similarity(embeddings),
        spectrum=position_spectrum(embeddings),
        roughness=roughness(embeddings),
        overall_roughness=overall_roughness(embeddings),
    )
