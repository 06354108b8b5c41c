"""Weights from a model directory into a model."""

from pathlib import Path

import torch
from torch import Tensor

from gpt25.errors import ConfigurationError, WeightsError
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer
from gpt25.weights.config_file import read_config
from gpt25.weights.mapping import FileMap
from gpt25.weights.matching import Matching, match_tensors
from gpt25.weights.names import OUR_HEAD, TOKEN_EMBEDDINGS
from gpt25.weights.openai_checkpoint import CheckpointTensor
from gpt25.weights.resolve import resolve_model
from gpt25.weights.safetensors_file import DTYPES, read_tensor
from gpt25.weights.safetensors_header import StoredTensor
from gpt25.weights.stored_weights import find_stored_tensors
from gpt25.weights.tokenizer_files import load_tokenizer


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
    can be known. The weights are in memory once, plus the largest single tensor that has to be converted. Those that
    the file holds in the wanted dtype stay mapped from it on the processor: nothing is copied until it is written to,
    a write never reaches the file, and the four matrices that are stored transposed are views with its strides.
    """
    if dtype not in DTYPES.values():
        raise ConfigurationError(f"dtype is {dtype}; weights can be loaded as float32, bfloat16 or float16.")
    directory = resolve_model(model, checkpoint=checkpoint, revision=revision)
    configuration = read_config(directory)
    matching = match_tensors(find_stored_tensors(directory), configuration, directory)
    tokenizer = load_tokenizer(directory, configuration)
    with torch.device("meta"):  # shapes without memory, and no random numbers drawn
        loaded = GPTModel(configuration)
    loaded.load_state_dict(_read_weights(matching, torch.device(device), dtype, directory), assign=True)
    loaded.tie_head()
    return loaded.eval(), tokenizer


def _read_weights(matching: Matching, device: torch.device, dtype: torch.dtype, directory: Path) -> dict[str, Tensor]:
    """Our state dictionary: views of the mapped files where the processor can use them, copies where it cannot.

    A tensor that is stored as it is wanted is never copied, a transposed one included: its view has the strides of the
    file, which the processor's matrix products read as fast. What is copied is read, not mapped, so that its pages do
    not count as memory beside the copy.
    """

    def mappable(stored: StoredTensor) -> bool:
        return device.type == "cpu" and DTYPES[stored.dtype] is dtype

    # One room for all that is copied: fresh memory for each would leave holes that add up to a quarter of the weights.
    copied = [stored.number_of_bytes for _, stored in matching.pairs if not mappable(stored)]
    room = torch.empty(max(copied, default=0), dtype=torch.uint8)
    files = FileMap()
    state = {}
    for name, stored in matching.pairs:
        mapped = None
        if isinstance(stored, CheckpointTensor):
            tensor = stored.read()
        elif mappable(stored):
            mapped = files.tensor(stored)
            tensor = read_tensor(stored) if mapped is None else mapped
        else:
            tensor = read_tensor(stored, room=room)
        _require_finite(tensor, name.hugging_face, directory)
        if name.ours == TOKEN_EMBEDDINGS:
            _require_tied(tensor, matching, directory)
        if mapped is None:
            tensor = tensor.to(device)
            if name.transposed:
                tensor = tensor.t().clone(memory_format=torch.contiguous_format)
            state[name.ours] = tensor.to(dtype)
        else:
            state[name.ours] = mapped.t() if name.transposed else mapped
    state[OUR_HEAD] = state[TOKEN_EMBEDDINGS]
    return state


def _require_finite(tensor: Tensor, name: str, directory: Path) -> None:
    """Raise WeightsError for NaN or infinite numbers; the sum finds both at the cost of one pass."""
    if torch.isfinite(tensor.sum(dtype=torch.float32)):
        return
    broken = int((~torch.isfinite(tensor)).sum())  # the sum of large but finite numbers may overflow
    if broken:
        raise WeightsError(
            f"{name} in {directory} holds {broken:,} numbers that are NaN or infinite, of {tensor.numel():,}; expected "
            "finite ones. The training that wrote it diverged, or the file is damaged: use an earlier checkpoint."
        )


def _require_tied(embeddings: Tensor, matching: Matching, directory: Path) -> None:
    """Raise WeightsError when the file has a head of its own that is not the token embeddings again."""
    if matching.explicit_head is None:
        return
    head = read_tensor(matching.explicit_head)
    if not torch.equal(head, embeddings):
        different = int((head != embeddings).sum())
        raise WeightsError(
            f"lm_head.weight in {directory} differs from transformer.wte.weight in {different:,} of {head.numel():,} "
            "numbers; in a GPT-2 they are one tied tensor. This model cannot be loaded as a GPT-2."
        )
