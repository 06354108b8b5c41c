"""Weights from a model directory into a model."""

import math
from pathlib import Path

import torch
from torch import Tensor

from gpt25.errors import ConfigurationError, WeightsError
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer
from gpt25.weights.loading.found_model import FoundModel, find_model
from gpt25.weights.loading.value_checks import require_finite, require_tied
from gpt25.weights.matching import Matching
from gpt25.weights.names import OUR_HEAD, TOKEN_EMBEDDINGS
from gpt25.weights.openai.openai_checkpoint import CheckpointTensor
from gpt25.weights.safetensors.mapped_file import MappedFile, can_stay_mapped
from gpt25.weights.safetensors.safetensors_file import DTYPES, STORED_DTYPES
from gpt25.weights.safetensors.safetensors_header import StoredTensor


def load_pretrained(
    model: str | Path,
    *,
    checkpoint: str = "newest",
    revision: str | None = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> tuple[GPTModel, Tokenizer | None]:
    """Load a GPT-2 and its tokenizer: load_pretrained("gpt2"), a Hub id, a Hugging Face directory or a run.

    A directory may also be OpenAI's original release, for which TensorFlow has to be installed.

    checkpoint: which one of a run: "newest", "best" or the number of an update.
    revision: which branch, tag or commit of a Hub repository.
    dtype: float32, bfloat16 or float16, whatever the file holds.
    Returns the model in evaluation mode (dropout off until `model.train()`) and the tokenizer, None where there is
    none. Raises WeightsError, StorageError, CorruptFileError or TokenizerError, before any memory is taken where that
    can be known. Issues a GPT25Warning that names tensors which were left aside because no GPT-2 has them.

    On the processor, weights that are stored in `dtype` stay where they are: parameters are the file's own pages
    (see MappedFile), the matrices that the file holds transposed are views of it, not contiguous. They may be written
    to, which copies the pages written and leaves the file alone. Everything else is in memory of its own, contiguous.
    """
    if dtype not in DTYPES.values():
        raise ConfigurationError(f"dtype is {dtype}; weights can be loaded as float32, bfloat16 or float16.")
    found = find_model(model, checkpoint=checkpoint, revision=revision)
    tokenizer = found.load_tokenizer()
    return load_found(found, device=device, dtype=dtype), tokenizer


def load_found(found: FoundModel, *, device: str | torch.device, dtype: torch.dtype) -> GPTModel:
    """The model that was found, as `load_pretrained` gives it; raises what that raises for its weights."""
    with torch.device("meta"):  # shapes without memory, and no random numbers drawn
        loaded = GPTModel(found.configuration)
    state = _read_weights(found.matching, torch.device(device), dtype, found.directory)
    loaded.load_state_dict(state, assign=True)
    loaded.tie_head()
    loaded.end_token_ids = found.read_end_token_ids()
    return loaded.eval()


def _read_weights(matching: Matching, device: torch.device, dtype: torch.dtype, directory: Path) -> dict[str, Tensor]:
    """Our state dictionary tensor by tensor: mapped, checked, and where needed transposed, moved and converted."""
    files: dict[Path, MappedFile] = {}

    def mapped(stored: StoredTensor) -> tuple[Tensor, MappedFile]:
        if stored.path not in files:
            files[stored.path] = MappedFile(stored.path)
        return files[stored.path].tensor(stored), files[stored.path]

    transposed_sizes = [
        math.prod(name.shape)
        for name, stored in matching.pairs
        if name.transposed and STORED_DTYPES[stored.dtype] is not dtype
    ]
    buffer = torch.empty(max(transposed_sizes, default=0), dtype=dtype, device=device)
    state = {}
    for name, stored in matching.pairs:
        tensor, file = (stored.read(), None) if isinstance(stored, CheckpointTensor) else mapped(stored)
        total = float(tensor.sum(dtype=torch.float32))
        require_finite(tensor, name.hugging_face, directory, total=total)
        if name.ours == TOKEN_EMBEDDINGS and matching.explicit_head is not None:
            head, head_file = mapped(matching.explicit_head)
            require_tied(head, tensor, directory)
            head_file.release(matching.explicit_head)
        if name.transposed:
            tensor = tensor.t()
        if file is None or tensor.dtype is not dtype or device.type != "cpu" or not can_stay_mapped():
            stored_dtype, tensor = tensor.dtype, _contiguous_copy(tensor, device, dtype, buffer)
            if tensor.dtype is not stored_dtype:
                _require_in_range(tensor, name.hugging_face, directory)
            if file is not None:
                file.release(stored)
        state[name.ours] = tensor
    state[OUR_HEAD] = state[TOKEN_EMBEDDINGS]
    return state


def _contiguous_copy(tensor: Tensor, device: torch.device, dtype: torch.dtype, buffer: Tensor) -> Tensor:
    """The same values in contiguous memory of their own: moved as they are stored, converted, and then transposed.

    Torch transposes values of one dtype block by block; together with a conversion it takes twice as long.
    buffer: where the converted ones stand meanwhile; fresh memory for each would leave holes that add up to a third of
    the weights.
    """
    if device.type != "cpu":
        tensor = tensor.to(device)
    if tensor.dtype is not dtype and not tensor.is_contiguous():
        tensor = buffer[: tensor.numel()].view(tensor.t().shape).copy_(tensor.t()).t()
    return torch.empty(tensor.shape, dtype=dtype, device=device).copy_(tensor)


def _require_in_range(tensor: Tensor, name: str, directory: Path) -> None:
    """Raise WeightsError where finite values became infinite when they were converted."""
    if not torch.isfinite(tensor.sum(dtype=torch.float32)) and (lost := int((~torch.isfinite(tensor)).sum())):
        dtype = str(tensor.dtype).removeprefix("torch.")
        raise WeightsError(
            f"{name} in {directory} is too large for {dtype} in {lost:,} of {tensor.numel():,} values; its largest "
            f"number is {torch.finfo(tensor.dtype).max:.4g}. Load it in another precision."
        )
