"""A model that was found and fits its configuration, before anything of its weights is read."""

import dataclasses
import warnings
from collections.abc import Sequence
from pathlib import Path

from gpt25.errors import GPT25Warning
from gpt25.model import GPTConfiguration
from gpt25.tokenizer import Tokenizer
from gpt25.weights.config_file import read_config
from gpt25.weights.end_tokens import read_end_token_ids
from gpt25.weights.garbage_collection import garbage_collection_paused
from gpt25.weights.matching import Matching, match_tensors
from gpt25.weights.resolve import resolve_model
from gpt25.weights.stored_weights import find_stored_tensors
from gpt25.weights.tokenizer_files import load_tokenizer

_NAMES_SHOWN = 4


@dataclasses.dataclass(frozen=True)
class FoundModel:
    """Where a model lies, its shape, and which stored tensor becomes which of ours."""

    directory: Path
    configuration: GPTConfiguration
    matching: Matching

    @property
    def stored_dtypes(self) -> frozenset[str]:
        """As what its tensors are stored, in the words of safetensors: frozenset({"F32"})."""
        return frozenset(stored.dtype for _, stored in self.matching.pairs)

    def load_tokenizer(self) -> Tokenizer | None:
        """Its tokenizer, None where there is none; raises TokenizerError or WeightsError."""
        with garbage_collection_paused():
            return load_tokenizer(self.directory, self.configuration)

    def read_end_token_ids(self) -> tuple[int, ...]:
        """The tokens at which its files say that its texts end; raises WeightsError or CorruptFileError."""
        return read_end_token_ids(self.directory, self.configuration)


def find_model(model: str | Path, *, checkpoint: str = "newest", revision: str | None = None) -> FoundModel:
    """Find what a MODEL argument names and match its tensors; arguments, errors and warning as in `load_pretrained`."""
    directory = resolve_model(model, checkpoint=checkpoint, revision=revision)
    configuration = read_config(directory)
    matching = match_tensors(find_stored_tensors(directory), configuration, directory)
    if matching.left_aside:
        warnings.warn(_left_aside(matching.left_aside, directory), GPT25Warning, stacklevel=3)
    return FoundModel(directory, configuration, matching)


def _left_aside(names: Sequence[str], directory: Path) -> str:
    listed = ", ".join(names[:_NAMES_SHOWN]) + (" …" if len(names) > _NAMES_SHOWN else "")
    return (
        f"{directory} holds a complete GPT-2 and more tensors ({len(names):,}), which were left aside: {listed}. What "
        "they computed, such as a value or a class, is not computed here."
    )
