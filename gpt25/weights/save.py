"""A model and its tokenizer into a directory that transformers loads."""

from collections.abc import Collection
from pathlib import Path

from gpt25.errors import StorageError, WeightsError
from gpt25.model import GPTModel, Int8Linear
from gpt25.storage import atomic_directory, entries, require_writable_directory, write_json
from gpt25.storage.atomic import directory_itself
from gpt25.storage.paths.path_questions import path_kind
from gpt25.tokenizer import Tokenizer
from gpt25.weights.config_file import config_contents
from gpt25.weights.end_tokens import GENERATION_NAME
from gpt25.weights.model_files import OPTIONAL_NAMES
from gpt25.weights.names import tensor_names
from gpt25.weights.openai.openai_release import CONFIG_NAME
from gpt25.weights.safetensors.safetensors_file import write_safetensors
from gpt25.weights.stored_weights import WEIGHTS_NAME
from gpt25.weights.tokenizer_files import require_fitting

_OWN_NAMES = {CONFIG_NAME, WEIGHTS_NAME, *OPTIONAL_NAMES}


def save_pretrained(model: GPTModel, tokenizer: Tokenizer | None, directory: str | Path) -> None:
    """Save a Hugging Face GPT-2 directory atomically: save_pretrained(model, tokenizer, "my-gpt2").

    A model directory that stands there is replaced. One that holds anything else is refused with StorageError, so that
    nobody's files are lost. Raises WeightsError when model and tokenizer do not fit, StorageError or DiskFullError when
    the directory cannot be written.
    """
    directory = Path(directory)
    require_replaceable(directory)
    require_savable(model, tokenizer)
    with atomic_directory(directory) as temporary:
        write_model_files(model, tokenizer, temporary)


def write_model_files(model: GPTModel, tokenizer: Tokenizer | None, directory: str | Path) -> None:
    """Write the same files into a directory that exists, as part of a checkpoint inside an atomic_directory.

    Raises WeightsError when model and tokenizer do not fit, StorageError or DiskFullError.
    """
    require_savable(model, tokenizer)
    directory = Path(directory)
    shape = model.configuration
    # Without a tokenizer, the last id: that is where GPT-2's and this package's tokenizers have <|endoftext|>.
    end_of_text_id = shape.vocabulary_size - 1 if tokenizer is None else tokenizer.end_of_text_id
    weights = {name.hugging_face: model.get_parameter(name.ours) for name in tensor_names(shape)}
    dtype = str(model.transformer.word_token_embeddings.weight.dtype).removeprefix("torch.")
    write_json(directory / CONFIG_NAME, config_contents(shape, end_of_text_id=end_of_text_id, dtype=dtype))
    ends = list(model.end_token_ids) or [end_of_text_id]
    one_or_all = ends[0] if len(ends) == 1 else ends
    write_json(directory / GENERATION_NAME, {"bos_token_id": end_of_text_id, "eos_token_id": one_or_all})
    if tokenizer is not None:  # before the weights, which it would otherwise have to make way around
        tokenizer.save(directory)
    transposed = [name.hugging_face for name in tensor_names(shape) if name.transposed]
    write_safetensors(directory / WEIGHTS_NAME, weights, transposed=transposed)


def require_savable(model: GPTModel, tokenizer: Tokenizer | None) -> None:
    """Raise WeightsError for a head that is no longer tied, or a tokenizer with more tokens than the model."""
    if any(isinstance(module, Int8Linear) for module in model.modules()):
        raise WeightsError("a model with int8 weights cannot be saved; save the one that it was made from.")
    if model.language_modeling_head.weight is not model.transformer.word_token_embeddings.weight:
        raise WeightsError(
            "the model's head is no longer the token embeddings' own tensor; in a GPT-2 the two are tied. "
            "Call model.tie_head() before saving."
        )
    if tokenizer is not None:
        require_fitting(tokenizer, model.configuration)


def require_replaceable(directory: Path, *, also: Collection[str] = ()) -> None:
    """Let only an absent, an empty or an older model directory be replaced, so that nobody's files are lost.

    also: what it may hold besides a model's own files. Raises StorageError for anything else.
    """
    kind = path_kind(directory)
    if kind is None:
        return
    if kind != "directory":
        raise StorageError(f"{directory} is a file; a model is saved as a directory. Choose another name.")
    foreign = sorted(entry.name for entry in entries(directory) if entry.name not in {*_OWN_NAMES, *also})
    if foreign:
        raise StorageError(
            f"{directory} holds {foreign[0]}, which is no part of a model, and would be replaced as a whole. "
            "Choose another directory or empty this one."
        )


def require_output_directory(directory: Path, *, overwrite: bool, also: Collection[str] = ()) -> None:
    """The same, and with what is there left alone unless `overwrite`; proves that it can be written.

    Raises StorageError.
    """
    require_replaceable(directory, also=also)
    if path_kind(directory) is not None and entries(directory) and not overwrite:
        raise StorageError(f"{directory} is already there. Choose another name, or add --overwrite to replace it.")
    require_writable_directory(directory_itself(directory).parent)
