"""What a model computes on its way: any activation by name, read or replaced while the model's own code runs."""
