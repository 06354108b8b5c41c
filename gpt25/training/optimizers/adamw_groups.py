"""AdamW's parameter groups: equal weight decay and equal learning rate."""

from typing import Any

from torch import nn

from gpt25.training.configuration.optimizer_configuration import OptimizerConfiguration


def adamw_groups(parameters: dict[str, nn.Parameter], settings: OptimizerConfiguration) -> list[dict[str, Any]]:
    """Parameter groups for torch's AdamW, of parameters under their names; none of them is empty.

    Matrices and embeddings decay, biases and layer norms do not (Brown et al. 2020, "Language Models are Few-Shot
    Learners", appendix B). Besides torch's own keys a group has `rate_multiplier`, by which its rate differs from the
    base rate. Where all multipliers are 1 there are two groups, or one where it has no parameters of the other kind.

    What is no matrix between hidden channels may want another rate than those: Yang et al. 2022, "Tensor Programs V:
    Tuning Large Neural Networks via Zero-Shot Hyperparameter Transfer", Table 3, whose rates of embeddings, biases and
    layer norms' weights do not fall with the width as those of hidden matrices do.
    """
    groups: dict[tuple[bool, float], list[nn.Parameter]] = {}
    for name, parameter in parameters.items():
        key = (parameter.dim() >= 2, _rate_multiplier(name, settings))
        groups.setdefault(key, []).append(parameter)
    return [
        {
            "params": members,
            "weight_decay": settings.weight_decay if decays else 0.0,
            "rate_multiplier": multiplier,
        }
        for (decays, multiplier), members in sorted(groups.items(), key=lambda item: not item[0][0])
    ]


def _rate_multiplier(name: str, settings: OptimizerConfiguration) -> float:
    """What the rate of the parameter of that name is multiplied by; the head is the token embeddings' own matrix."""
    if name.endswith("word_token_embeddings.weight"):
        return settings.embedding_rate_multiplier
    if name.endswith("word_positional_embeddings.weight"):
        return settings.position_rate_multiplier
    if name.endswith("bias"):
        return settings.bias_rate_multiplier
    return settings.gain_rate_multiplier if "layer_norm" in name else 1.0
