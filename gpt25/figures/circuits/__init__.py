"""Figures of what the parts of a model do, and of the same over a run's checkpoints."""
