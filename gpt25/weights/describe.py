"""What a model directory holds, from its headers alone."""

import dataclasses
import math
from pathlib import Path
from typing import Any

from gpt25.model import Accounting
from gpt25.weights.config_file import read_config
from gpt25.weights.matching import match_tensors
from gpt25.weights.names import HEAD, OUR_HEAD, TOKEN_EMBEDDINGS
from gpt25.weights.safetensors.safetensors_header import DTYPE_NAMES
from gpt25.weights.stored_weights import find_stored_tensors


def describe_model(directory: str | Path) -> dict[str, Any]:
    """Describe a model directory without reading its weights, the same checks as in loading included.

    Returns {"parameters", "configuration", "tensors": [{"name", "hugging_face_name", "shape", "dtype"}],
    "tied_tensors": [{"name", "hugging_face_name", "tied_to"}], "left_aside" (names
    of tensors that loading does not read), "weight_bytes", "forward_operations_per_token",
    "training_operations_per_token"}: shapes as in our model, dtypes as stored. The head, which is the token embeddings
    under another name, stands among the tied tensors only. Raises WeightsError, StorageError or CorruptFileError.
    """
    configuration = read_config(directory)
    matching = match_tensors(find_stored_tensors(directory), configuration, directory)
    pairs = matching.pairs
    accounting = Accounting(configuration)
    return {
        "parameters": sum(math.prod(name.shape) for name, _ in pairs),
        "configuration": dataclasses.asdict(configuration),
        "tensors": [
            {
                "name": name.ours,
                "hugging_face_name": name.hugging_face,
                "shape": list(name.shape),
                "dtype": DTYPE_NAMES[stored.dtype],
            }
            for name, stored in pairs
        ],
        "tied_tensors": [{"name": OUR_HEAD, "hugging_face_name": HEAD, "tied_to": TOKEN_EMBEDDINGS}],
        "left_aside": list(matching.left_aside),
        "weight_bytes": sum(stored.number_of_bytes for _, stored in pairs),
        "forward_operations_per_token": accounting.forward_operations_per_token,
        "training_operations_per_token": accounting.training_operations_per_token,
    }
