"""Which parts of a model do what: patching, attribution, scores of heads, ablation, neurons, norms."""
