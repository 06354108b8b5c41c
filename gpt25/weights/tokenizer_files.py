"""The tokenizer beside a model's weights."""

from pathlib import Path

from gpt25.errors import WeightsError
from gpt25.model import GPTConfiguration
from gpt25.storage import is_file
from gpt25.tokenizer import Tokenizer

_NAMES = ("vocab.json", "tokenizer.json", "encoder.json")  # any of them is enough to look for a tokenizer


def load_tokenizer(directory: Path, configuration: GPTConfiguration) -> Tokenizer | None:
    """Load a model directory's tokenizer, None where there is none; raises TokenizerError or WeightsError."""
    if not any(is_file(directory / name) for name in _NAMES):
        return None
    tokenizer = Tokenizer.load(directory)
    require_fitting(tokenizer, configuration)
    return tokenizer


def require_fitting(tokenizer: Tokenizer, configuration: GPTConfiguration) -> None:
    """Raise WeightsError when the tokenizer has ids that the model has no embedding for; spare embeddings are fine."""
    if tokenizer.vocabulary_size > configuration.vocabulary_size:
        raise WeightsError(
            f"the tokenizer {tokenizer.name} has {tokenizer.vocabulary_size:,} tokens and the model embeds only "
            f"{configuration.vocabulary_size:,}; they do not belong together."
        )
