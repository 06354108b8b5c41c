"""The shape of a GPT-2 in OpenAI's own layout, as the download script of github.com/openai/gpt-2 leaves it.

A directory holds `checkpoint`, `hparams.json`, `encoder.json`, `vocab.bpe` and `model.ckpt.*`, written by TensorFlow.
"""

from pathlib import Path

from gpt25.errors import ConfigurationError, WeightsError
from gpt25.model import GPTConfiguration
from gpt25.storage import is_file, read_object

CONFIG_NAME = "config.json"
HPARAMS_NAME = "hparams.json"

_SIZES = {
    "n_vocab": "vocabulary_size",
    "n_ctx": "block_size",
    "n_embd": "number_of_embedding_dimensions",
    "n_head": "number_of_heads",
    "n_layer": "number_of_layers",
}


def is_openai_release(directory: str | Path) -> bool:
    """Whether a directory is laid out as OpenAI's release is, and not (also) as Hugging Face's directories are."""
    return is_file(Path(directory) / HPARAMS_NAME) and not is_file(Path(directory) / CONFIG_NAME)


def read_hparams(directory: str | Path) -> GPTConfiguration:
    """Read the shape from hparams.json: five sizes and nothing else, for whatever else it said would be another model.

    Raises WeightsError when one is missing, impossible or unknown, StorageError or CorruptFileError.
    """
    path = Path(directory) / HPARAMS_NAME
    sizes = read_object(path)
    missing = [name for name in _SIZES if name not in sizes]
    unknown = [name for name in sizes if name not in _SIZES]
    if missing or unknown:
        fault = f"no {missing[0]}" if missing else f"the unknown setting {unknown[0]!r}"
        raise WeightsError(f"{path} has {fault}; OpenAI's has exactly {', '.join(_SIZES)}.")
    try:
        return GPTConfiguration(**{ours: sizes[theirs] for theirs, ours in _SIZES.items()})
    except ConfigurationError as problem:
        raise WeightsError(f"{path} describes no possible GPT-2: {problem}") from problem
