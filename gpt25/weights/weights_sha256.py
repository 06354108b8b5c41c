"""A fingerprint of a model's weights."""

import hashlib

from gpt25.model import GPTModel


def weights_sha256(model: GPTModel) -> str:
    """SHA-256 over every parameter's name, shape and float32 values: the same however the model was stored."""
    digest = hashlib.sha256()
    for name, parameter in model.named_parameters():
        digest.update(f"{name} {tuple(parameter.shape)}\n".encode())
        digest.update(parameter.detach().float().cpu().contiguous().numpy().data)
    return digest.hexdigest()
