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
    from gpt25.inspection.circuits.ablation import Ablation, Replacement, ablation, neuron_ablation
    from gpt25.inspection.circuits.activation_patching import ActivationPatching, activation_patching, head_patching
    from gpt25.inspection.circuits.excited_neurons import ExcitedNeuron, excited_neurons, promoted_tokens
    from gpt25.inspection.circuits.head_scores import HeadScores, head_scores
    from gpt25.inspection.circuits.logit_attribution import LogitAttribution, logit_attribution, logit_attributions
    from gpt25.inspection.circuits.path_patching import PathPatching, path_patching
    from gpt25.inspection.circuits.position_ablation import PositionAblation, position_ablation
    from gpt25.inspection.circuits.prompt_pair import PromptPair, prompt_pair
    from gpt25.inspection.circuits.repeated_tokens import repeated_tokens
    from gpt25.inspection.circuits.residual_norms import ResidualNorms, residual_norms
    from gpt25.inspection.circuits.top_texts import TopText, top_texts
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
    "Ablation",
    "ActivationPatching",
    "Edited",
    "ExcitedNeuron",
    "HeadScores",
    "LayerPredictions",
    "LogitAttribution",
    "PathPatching",
    "PositionAblation",
    "PromptPair",
    "Replacement",
    "ResidualNorms",
    "TensorDifference",
    "TopText",
    "WeightStatistics",
    "ablation",
    "activation_names",
    "activation_patching",
    "attention_weights",
    "differences",
    "edit",
    "excited_neurons",
    "head_patching",
    "head_scores",
    "layer_predictions",
    "logit_attribution",
    "logit_attributions",
    "neuron_ablation",
    "overall_roughness",
    "path_patching",
    "position_ablation",
    "position_similarity",
    "position_spectrum",
    "positional_embeddings",
    "promoted_tokens",
    "prompt_pair",
    "prompt_tokens",
    "record",
    "repeated_tokens",
    "residual_norms",
    "roughness",
    "token_labels",
    "top_texts",
    "weight_statistics",
]

lazy_face(
    __name__,
    {
        "Ablation": "circuits.ablation",
        "ActivationPatching": "circuits.activation_patching",
        "Edited": "activations.edit",
        "ExcitedNeuron": "circuits.excited_neurons",
        "HeadScores": "circuits.head_scores",
        "LayerPredictions": "layer_predictions",
        "LogitAttribution": "circuits.logit_attribution",
        "PathPatching": "circuits.path_patching",
        "PositionAblation": "circuits.position_ablation",
        "PromptPair": "circuits.prompt_pair",
        "Replacement": "circuits.ablation",
        "ResidualNorms": "circuits.residual_norms",
        "TensorDifference": "differences",
        "TopText": "circuits.top_texts",
        "WeightStatistics": "weight_statistics",
        "ablation": "circuits.ablation",
        "activation_names": "activations.activation_names",
        "activation_patching": "circuits.activation_patching",
        "attention_weights": "attention_weights",
        "differences": "differences",
        "edit": "activations.edit",
        "excited_neurons": "circuits.excited_neurons",
        "head_patching": "circuits.activation_patching",
        "head_scores": "circuits.head_scores",
        "layer_predictions": "layer_predictions",
        "logit_attribution": "circuits.logit_attribution",
        "logit_attributions": "circuits.logit_attribution",
        "neuron_ablation": "circuits.ablation",
        "overall_roughness": "roughness",
        "path_patching": "circuits.path_patching",
        "position_ablation": "circuits.position_ablation",
        "position_similarity": "position_similarity",
        "position_spectrum": "position_spectrum",
        "positional_embeddings": "positional_embeddings",
        "promoted_tokens": "circuits.excited_neurons",
        "prompt_pair": "circuits.prompt_pair",
        "prompt_tokens": "prompt_tokens",
        "record": "activations.record",
        "repeated_tokens": "circuits.repeated_tokens",
        "residual_norms": "circuits.residual_norms",
        "roughness": "roughness",
        "token_labels": "token_labels",
        "top_texts": "circuits.top_texts",
        "weight_statistics": "weight_statistics",
    },
)
