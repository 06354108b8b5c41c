"""What hangs on a training run: HellaSwag on the way, the expected loss track, TensorBoard."""
