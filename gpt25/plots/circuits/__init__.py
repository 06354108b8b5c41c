"""Pictures of what the parts of a model do: maps of colours over layers, heads and positions, and lines over a run."""
