"""What is inside a model, as numpy arrays for notebooks and pictures: positions, attention, predictions, weights.

Nothing here draws, and nothing changes the model: its mode, its weights and torch's random state stay as they were.
"""

from typing import TYPE_CHECKING

from gpt25.lazy_face import lazy_face

if TYPE_CHECKING:
    from gpt25.inspection.activations.activation_names import activation_names
    from gpt25.inspection.activations.edit import Edited, edit
    from gpt25.inspection.activations.record import record
    from gpt25.inspection.attention_weights import attention_weights
    from gpt25.inspection.differences import TensorDifference, differences
    from gpt25.inspection.layer_predictions import LayerPredictions, layer_predictions
    from gpt25.inspection.position_similarity import position_similarity
    from gpt25.inspection.position_spectrum import position_spectrum
    from gpt25.inspection.positional_embeddings import positional_embeddings
    from gpt25.inspection.prompt_tokens import prompt_tokens
    from gpt25.inspection.roughness import overall_roughness, roughness
    from gpt25.inspection.token_labels import token_labels
    from gpt25.inspection.weight_statistics import WeightStatistics, weight_statistics

__all__ = [
    "Edited",
    "LayerPredictions",
    "TensorDifference",
    "WeightStatistics",
    "activation_names",
    "attention_weights",
    "differences",
    "edit",
    "layer_predictions",
    "overall_roughness",
    "position_similarity",
    "position_spectrum",
    "positional_embeddings",
    "prompt_tokens",
    "record",
    "roughness",
    "token_labels",
    "weight_statistics",
]

lazy_face(
    __name__,
    {
        "Edited": "activations.edit",
        "edit": "activations.edit",
        "record": "activations.record",
        "activation_names": "activations.activation_names",
        "LayerPredictions": "layer_predictions",
        "TensorDifference": "differences",
        "WeightStatistics": "weight_statistics",
        "attention_weights": "attention_weights",
        "differences": "differences",
        "layer_predictions": "layer_predictions",
        "overall_roughness": "roughness",
        "position_similarity": "position_similarity",
        "position_spectrum": "position_spectrum",
        "positional_embeddings": "positional_embeddings",
        "prompt_tokens": "prompt_tokens",
        "roughness": "roughness",
        "token_labels": "token_labels",
        "weight_statistics": "weight_statistics",
    },
)
