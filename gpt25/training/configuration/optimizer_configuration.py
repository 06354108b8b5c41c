"""Which optimizer moves a run's weights."""

import dataclasses
from typing import Literal

from gpt25.training.configuration.requirements import is_number, require, require_fraction, require_positive


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizerConfiguration:
    """Which optimizer moves which weights, and how far."""

    name: Literal["adamw", "muon"] = "adamw"
    """adamw moves everything with AdamW; muon moves the hidden matrices with Muon and the rest with AdamW."""
    peak_learning_rate: float = 6e-4
    """AdamW's peak learning rate (GPT-3 paper, Table 2.1: 6e-4 at 125M)."""
    beta_1: float = 0.9
    """Decay of AdamW's first moment, the running mean of gradients."""
    beta_2: float = 0.95
    """Decay of AdamW's second moment, the running mean of squared gradients."""
    epsilon: float = 1e-8
    """What AdamW adds to the denominator."""
    weight_decay: float = 0.1
    """AdamW's decoupled weight decay of matrices and embeddings; biases and layer norms have none."""
    embedding_rate_multiplier: float = 1.0
    """Factor on AdamW's learning rate, and so on the decay, of the token embeddings, which are the head too."""
    position_rate_multiplier: float = 1.0
    """Factor on AdamW's learning rate, and so on the decay, of the positional embeddings."""
    bias_rate_multiplier: float = 1.0
    """Factor on AdamW's learning rate of all biases, those of the layer norms too; 0 leaves them as they are."""
    gain_rate_multiplier: float = 1.0
    """Factor on AdamW's learning rate of the layer norms' weights."""
    clip_gradient_norm: float | None = 1.0
    """Gradients are clipped to this global norm; none for no clipping."""
    muon_peak_learning_rate: float = 2e-3
    """Muon's peak learning rate; an update has the size of an AdamW update at the same rate."""
    muon_momentum: float = 0.95
    """Muon's momentum after its warm-up."""
    muon_initial_momentum: float = 0.85
    """Muon's momentum at the first update."""
    muon_momentum_warm_up_fraction: float = 0.1
    """Fraction of the updates over which Muon's momentum rises."""
    muon_weight_decay: float = 0.0
    """Muon's decoupled weight decay."""
    muon_polynomial: Literal["polar_express", "newton_schulz"] = "polar_express"
    """How Muon orthogonalises, in five steps: Polar Express's polynomials, or Newton-Schulz with Muon's first ones."""
    muon_beta_2: float | None = None
    """Decay of the mean square of each row of Muon's updates, which are normalised with it (NorMuon); none: they are
    not."""
    muon_soap_beta_2: float | None = None
    """Decay of the running means with which Muon's updates are preconditioned before they are orthogonalised
    (SOAP-Muon); none: they are not."""
    muon_soap_interval_in_updates: int = 10
    """How often the eigenbases in which that is done are renewed."""
    cautious_weight_decay: bool = False
    """Decay only the weights that the update does not enlarge, of AdamW and of Muon (Cautious Weight Decay)."""

    def __post_init__(self) -> None:
        require(self.name in ("adamw", "muon"), "optimizer.name", self.name, "adamw or muon")
        require_positive(self, "optimizer", "peak_learning_rate", "epsilon", "muon_peak_learning_rate")
        for field in ("beta_1", "beta_2", "muon_momentum", "muon_initial_momentum"):
            value = getattr(self, field)
            require(0 <= value < 1, f"optimizer.{field}", value, "at least 0 and below 1")
        multipliers = [f"{kind}_rate_multiplier" for kind in ("embedding", "position", "bias", "gain")]
        for field in ("weight_decay", "muon_weight_decay", *multipliers):
            value = getattr(self, field)
            require(is_number(value) and value >= 0, f"optimizer.{field}", value, "0 or a positive number")
        require_fraction(self, "optimizer", "muon_momentum_warm_up_fraction")
        polynomials = ("polar_express", "newton_schulz")
        rule = "polar_express or newton_schulz"
        require(self.muon_polynomial in polynomials, "optimizer.muon_polynomial", self.muon_polynomial, rule)
        for field in ("muon_beta_2", "muon_soap_beta_2"):
            value, rule = getattr(self, field), "at least 0 and below 1, or none"
            require(value is None or (is_number(value) and 0 <= value < 1), f"optimizer.{field}", value, rule)
        require_positive(self, "optimizer", "muon_soap_interval_in_updates")
        cautious = self.cautious_weight_decay
        require(isinstance(cautious, bool), "optimizer.cautious_weight_decay", cautious, "true or false")
        if self.clip_gradient_norm is not None:
            require_positive(self, "optimizer", "clip_gradient_norm")
