"""The training loss without materialised logits, its GPU form, and validation.

`model(indices, labels)` stays the truth that they are tested against.
"""
