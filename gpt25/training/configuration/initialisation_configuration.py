"""How a run's random weights differ from GPT-2's own."""

import dataclasses

from gpt25.training.configuration.requirements import require


@dataclasses.dataclass(frozen=True, kw_only=True)
class InitialisationConfiguration:
    """What random weights are before the first update, where that is not what `GPTModel.initialise` draws."""

    zero_residual_projections: bool = False
    """Begin at 0 the projections of attention and perceptron that write into the residual stream: each block passes
    on what it reads until it has learned something. The other weights are those of the same seed without it."""

    def __post_init__(self) -> None:
        value = self.zero_residual_projections
        require(isinstance(value, bool), "initialisation.zero_residual_projections", value, "true or false")
