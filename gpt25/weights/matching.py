"""Which stored tensor becomes which of ours; what does not fit is refused with a table of expected and found."""

import dataclasses
from pathlib import Path

from gpt25.errors import WeightsError
from gpt25.model import GPTConfiguration
from gpt25.weights.names import HEAD, MASK_BUFFERS, PREFIX, TensorName, tensor_names
from gpt25.weights.openai.openai_release import CONFIG_NAME, HPARAMS_NAME, is_openai_release
from gpt25.weights.safetensors.safetensors_header import DTYPE_NAMES, StoredTensor
from gpt25.weights.wrapper_prefixes import prefix_of_some, without_wrapper_prefixes

_ROWS_SHOWN = 6
_TRANSPOSED = " (transposed: Conv1D holds in × out)"
_THEIR_TOKEN_EMBEDDINGS = f"{PREFIX}wte.weight"
_IN_BLOCKS = f"{PREFIX}h."  # what stands there changes what the model computes, adapters too


@dataclasses.dataclass(frozen=True)
class Matching:
    """Every tensor of a model beside the stored one that fills it."""

    pairs: list[tuple[TensorName, StoredTensor]]
    explicit_head: StoredTensor | None
    """The head where the file stores it beside the token embeddings; it must equal them."""
    left_aside: tuple[str, ...] = ()
    """Names of stored tensors beside a complete GPT-2 that it does not have: value heads, classifiers."""


def match_tensors(stored: dict[str, StoredTensor], configuration: GPTConfiguration, directory: str | Path) -> Matching:
    """Pair the stored tensors with those that the configuration asks for, by name, shape and dtype.

    Names are OpenAI's own in its release. Elsewhere they are Hugging Face's and may stand with or without
    "transformer.", or behind a wrapper's prefix that all of them have; masks that old versions stored are passed over.
    A file of the tied matrix may hold it as the head alone. Tensors outside the blocks that no GPT-2 has are left
    aside. Raises WeightsError with a table of what was expected and what was found.
    """
    released = is_openai_release(directory)
    full_names = {} if released else _full_names(stored, Path(directory))
    found = dict(stored) if released else {full: tensor for full, (_, tensor) in full_names.items()}
    head = found.pop(HEAD, None)
    if head is not None and _THEIR_TOKEN_EMBEDDINGS not in found:
        found[_THEIR_TOKEN_EMBEDDINGS], head = head, None
    pairs, differences = [], []
    for name in tensor_names(configuration):
        theirs = name.openai if released else name.hugging_face
        tensor = found.pop(theirs, None)
        fault = _difference(name, tensor)
        if fault is not None:
            differences.append((theirs, *fault))
        elif tensor is not None:
            pairs.append((name, tensor))
    left_aside = () if released else tuple(full_names[name][0] for name in found if not name.startswith(_IN_BLOCKS))
    differences += [
        (extra, "nothing of this name", _described(tensor))
        for extra, tensor in found.items()
        if released or extra.startswith(_IN_BLOCKS) or differences
    ]
    if head is not None:
        embeddings = (configuration.vocabulary_size, configuration.number_of_embedding_dimensions)
        fault = _difference(TensorName("", HEAD, "", "", embeddings, transposed=False), head)
        differences += [] if fault is None else [(HEAD, *fault)]
    if differences:
        message = _table(differences, Path(directory), released=released)
        raise WeightsError("\n".join(filter(None, [message, prefix_of_some(stored)])))
    return Matching(pairs, head, left_aside)


def _full_names(stored: dict[str, StoredTensor], directory: Path) -> dict[str, tuple[str, StoredTensor]]:
    """Names and tensors by the names of GPT2LMHeadModel, without the masks."""
    full: dict[str, tuple[str, StoredTensor]] = {}
    for name, tensor in without_wrapper_prefixes(stored).items():
        if name.endswith(MASK_BUFFERS):
            continue
        full_name = name if name == HEAD or name.startswith(PREFIX) else PREFIX + name
        if full_name in full:
            raise WeightsError(f"{directory} holds {full_name!r} twice, with and without {PREFIX!r}; one must go.")
        full[full_name] = name, tensor
    return full


def _difference(name: TensorName, tensor: StoredTensor | None) -> tuple[str, str] | None:
    """Expected and found in words, or None where they agree."""
    expected = _shape_in_words(name.stored_shape)
    if tensor is None:
        return expected, "nothing"
    if tensor.shape != name.stored_shape:
        hint = _TRANSPOSED if name.transposed and tensor.shape == name.shape else ""
        return expected, _described(tensor) + hint
    if tensor.dtype not in DTYPE_NAMES:
        return f"{expected} {' or '.join(DTYPE_NAMES)}", _described(tensor)
    return None


def _shape_in_words(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "one number"


def _described(tensor: StoredTensor) -> str:
    return f"{_shape_in_words(tensor.shape)} {tensor.dtype}"


def _table(differences: list[tuple[str, str, str]], directory: Path, *, released: bool) -> str:
    """A message of few lines, however many tensors differ."""
    rows = [("tensor", "expected", "found"), *differences[:_ROWS_SHOWN]]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"  {name:{widths[0]}}  {expected:{widths[1]}}  {found}" for name, expected, found in rows]
    if len(differences) > _ROWS_SHOWN:
        lines.append(f"  and {len(differences) - _ROWS_SHOWN:,} more")
    described_by = HPARAMS_NAME if released else CONFIG_NAME
    heading = f"the weights in {directory} are not those of the GPT-2 that its {described_by} describes:"
    question = f"Is {described_by} of another model"
    if released:
        question += ", or did a training program keep tensors of its own there"
    elif any(found.endswith(_TRANSPOSED) for _, _, found in differences):
        question += ", or was the file written without the transposes of transformers"
    return "\n".join([heading, *lines, f"{question}?"])
