"""What the roughness of models' positions says, as a sentence."""

import math

from gpt25.plots import two_digits

_ALIKE = 1.1  # a roughness that is less than this many times another's does not decide anything


def roughness_in_words(roughness: dict[str, float]) -> str:
    """What the roughness of one or more models says.

    roughness_in_words({"a": 0.04, "b": 0.5}) -> "a is trained further than the other, by its smoother positions: …".
    """
    order = sorted((name for name in roughness if not math.isnan(roughness[name])), key=lambda name: roughness[name])
    figures = ", ".join(f"{name} {two_digits(roughness[name])}" for name in order)
    if len(roughness) == 1:
        ((name, value),) = roughness.items()
        return f"{name}: roughness {two_digits(value)}, {_stage(value)}."
    best = smoothest(roughness)
    if best is None:
        return f"By their positions these models are trained about equally far: roughness {figures or 'none'}."
    others = "the other" if len(roughness) == 2 else "the others"
    return f"{best} is trained further than {others}, by its smoother positions: roughness {figures}."


def _stage(value: float) -> str:
    """One model's roughness in words; white noise is 1."""
    if math.isnan(value):
        return "for the positions are all the same: nothing has been learned of them"
    if value > 0.8:
        return "nearly all noise: the positions are as good as untrained"
    if value > 0.2:
        return "much noise on the curves: the positions are under-trained"
    return "some noise on the curves" if value > 0.02 else "smooth curves: the positions are well trained"


def smoothest(roughness: dict[str, float]) -> str | None:
    """The name of the clearly smoothest of several models, None where there is none."""
    known = sorted((value, name) for name, value in roughness.items() if not math.isnan(value))
    if len(known) < 2 or known[1][0] < _ALIKE * known[0][0]:
        return None
    return known[0][1]
