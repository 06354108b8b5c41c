"""Weights from a model directory into arrays of NumPy, without torch."""

from pathlib import Path

import numpy as np

from gpt25.model import ModelArrays
from gpt25.weights.loading.found_model import FoundModel
from gpt25.weights.loading.value_checks import require_finite, require_tied
from gpt25.weights.names import TOKEN_EMBEDDINGS
from gpt25.weights.openai.openai_release import is_openai_release
from gpt25.weights.safetensors.mapped_file import MappedFile, can_stay_mapped
from gpt25.weights.safetensors.safetensors_header import StoredTensor

_STORED_AS = frozenset({"F32"})


def can_load_arrays(found: FoundModel) -> bool:
    """Whether nothing has to be converted: safetensors in float32, on a system that lets mapped files be replaced."""
    return found.stored_dtypes == _STORED_AS and not is_openai_release(found.directory) and can_stay_mapped()


def load_arrays(found: FoundModel) -> ModelArrays:
    """The weights of a model for which `can_load_arrays`, as arrays over the file's own pages (see MappedFile).

    Matrices that the file holds transposed are views of it, not contiguous. Raises WeightsError, StorageError or
    CorruptFileError, in the words of `load_pretrained`.
    """
    files: dict[Path, MappedFile] = {}

    def mapped(stored: StoredTensor) -> tuple[np.ndarray, MappedFile]:
        if stored.path not in files:
            files[stored.path] = MappedFile(stored.path)
        return files[stored.path].array(stored), files[stored.path]

    arrays: dict[str, np.ndarray] = {}
    matching = found.matching
    for name, stored in matching.pairs:
        array, _ = mapped(stored)
        require_finite(array, name.hugging_face, found.directory, total=_total(array))
        if name.ours == TOKEN_EMBEDDINGS and matching.explicit_head is not None:
            head, head_file = mapped(matching.explicit_head)
            require_tied(head, array, found.directory)
            head_file.release(matching.explicit_head)
        arrays[name.ours] = array.T if name.transposed else array
    return ModelArrays(found.configuration, arrays, found.read_end_token_ids())


def _total(array: np.ndarray) -> float:
    """The sum of the squares: a product reads memory twice as fast as a sum."""
    flat = array.reshape(-1)
    with np.errstate(over="ignore", invalid="ignore"):  # what that means is looked at by `require_finite`
        return float(np.dot(flat, flat))
