"""Which files make a directory a model, in Hugging Face's format."""

from pathlib import Path

from gpt25.errors import WeightsError
from gpt25.storage import is_file
from gpt25.weights.end_tokens import GENERATION_NAME
from gpt25.weights.openai.openai_release import CONFIG_NAME, is_openai_release
from gpt25.weights.stored_weights import INDEX_NAME, WEIGHTS_NAME, shard_names

TOKENIZER_NAMES = (
    "vocab.json",
    "merges.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "added_tokens.json",
    "special_tokens_map.json",
)
OPTIONAL_NAMES = (GENERATION_NAME, *TOKENIZER_NAMES)
"""What a model may do without. Nothing else is ever fetched or given away beside the weights: no pickles, no code."""


def model_file_names(directory: str | Path) -> list[str]:
    """The names of a directory's files that are the model, and of no others: model_file_names("my-gpt2") -> sorted.

    A checkpoint's optimizer, state and manifest are none of them. Raises WeightsError for OpenAI's original release
    and where there are no weights.
    """
    directory = Path(directory)
    if is_openai_release(directory):
        raise WeightsError(
            f"{directory} is OpenAI's original release, no directory of Hugging Face's format. In Python, "
            "gpt25.save_pretrained(*gpt25.load_pretrained(DIRECTORY), ANOTHER) makes one of it."
        )
    if is_file(directory / WEIGHTS_NAME):
        weights = [WEIGHTS_NAME]
    elif is_file(directory / INDEX_NAME):
        weights = [INDEX_NAME, *shard_names(directory / INDEX_NAME)]
    else:
        raise WeightsError(
            f"{directory} holds neither {WEIGHTS_NAME} nor {INDEX_NAME}; without weights it is no model."
        )
    return sorted([CONFIG_NAME, *weights, *(name for name in OPTIONAL_NAMES if is_file(directory / name))])
