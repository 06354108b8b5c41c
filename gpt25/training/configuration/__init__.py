"""The recipe as frozen dataclasses, and the arithmetic that follows from it.

Import TrainingConfiguration and its sections through `gpt25.training`.
"""
