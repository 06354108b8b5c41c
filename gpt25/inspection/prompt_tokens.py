"""A prompt as the token ids on which a model is inspected."""

from gpt25.errors import InspectionError
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer


def prompt_tokens(model: GPTModel, tokenizer: Tokenizer | None, prompt: str) -> list[int]:
    """The token ids of a prompt, at least one: an empty prompt means `<|endoftext|>`, where every document begins.

    Raises InspectionError where the model has no tokenizer or the prompt is longer than the block size, and
    TokenizerError for text that has no UTF-8.
    """
    if tokenizer is None:
        raise InspectionError(
            "this model has no tokenizer, so it cannot read a prompt; put its vocab.json and merges.txt into the model "
            "directory."
        )
    ids = tokenizer.encode(prompt) or [tokenizer.end_of_text_id]
    block_size = model.configuration.block_size
    if len(ids) > block_size:
        raise InspectionError(
            f"the prompt has {len(ids):,} tokens, but the model's block size is {block_size:,}; shorten it to at most "
            f"{block_size:,} tokens."
        )
    return ids
