"""The tensors that a model directory holds, in one safetensors file or in several with an index. Pickles stay shut."""

from pathlib import Path

from gpt25.errors import CorruptFileError, WeightsError
from gpt25.storage import entries, is_file, read_object
from gpt25.weights.openai.openai_checkpoint import find_checkpoint_tensors
from gpt25.weights.openai.openai_release import is_openai_release
from gpt25.weights.safetensors.safetensors_header import StoredTensor, read_safetensors_header

WEIGHTS_NAME = "model.safetensors"
INDEX_NAME = "model.safetensors.index.json"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")

HOW_TO_GET_SAFETENSORS = (
    "gpt25 never opens pickle files, because they can run code. If you trust its origin, convert it once with "
    "transformers (GPT2LMHeadModel.from_pretrained(DIR).save_pretrained(DIR)) or on "
    "https://huggingface.co/spaces/safetensors/convert"
)


def find_stored_tensors(directory: str | Path) -> dict[str, StoredTensor]:
    """List every tensor of a model directory by the name that the file gives it; reads headers only.

    Raises WeightsError when there are no safetensors weights, CorruptFileError when a file is not what it claims.
    """
    directory = Path(directory)
    if is_openai_release(directory):
        return find_checkpoint_tensors(directory)
    if is_file(directory / WEIGHTS_NAME):
        return read_safetensors_header(directory / WEIGHTS_NAME)
    if is_file(directory / INDEX_NAME):
        return _sharded_tensors(directory / INDEX_NAME)
    pickles = sorted(path.name for path in entries(directory) if path.suffix in PICKLE_SUFFIXES)
    if pickles:
        raise WeightsError(f"{directory} holds {pickles[0]} and no {WEIGHTS_NAME}. {HOW_TO_GET_SAFETENSORS}.")
    raise WeightsError(f"{directory} holds neither {WEIGHTS_NAME} nor {INDEX_NAME}; without weights it is no model.")


def shard_names(index_path: Path) -> list[str]:
    """The files that an index distributes the tensors over, each a plain name beside the index."""
    return sorted(set(_weight_map(index_path).values()))


def _weight_map(index_path: Path) -> dict[str, str]:
    """The index's weight_map, tensor -> file, with names that cannot lead elsewhere."""
    weight_map = read_object(index_path).get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(file_name, str) for file_name in weight_map.values()):
        raise CorruptFileError(f"{index_path} has no weight_map from tensors to files.")
    for file_name in weight_map.values():
        if Path(file_name).name != file_name or "\\" in file_name or not file_name.endswith(".safetensors"):
            raise WeightsError(f"{index_path} names {file_name!r}; only .safetensors files beside it are read.")
    return weight_map


def _sharded_tensors(index_path: Path) -> dict[str, StoredTensor]:
    """Tensors of several files; each must be where the index puts it."""
    weight_map = _weight_map(index_path)
    tensors: dict[str, StoredTensor] = {}
    for file_name in sorted(set(weight_map.values())):
        path = index_path.with_name(file_name)
        if not is_file(path):
            raise WeightsError(f"{path} is missing, although {INDEX_NAME} lists it. Fetch it again.")
        for name, tensor in read_safetensors_header(path).items():
            if weight_map.get(name) != file_name:
                raise CorruptFileError(f"{path} holds {name!r}, which {INDEX_NAME} puts in {weight_map.get(name)!r}.")
            tensors[name] = tensor
    for name, file_name in weight_map.items():
        if name not in tensors:
            raise CorruptFileError(f"{index_path.with_name(file_name)} lacks {name!r}, although {INDEX_NAME} lists it.")
    return tensors
