"""lm-evaluation-harness: our model in its functions, its tasks in our command."""
