"""What a model writes when it always takes the likeliest token, up to a stop; for tasks that are answered freely."""

from collections.abc import Sequence

import torch

from gpt25.model import GPTModel, KeyValueCache, evaluating
from gpt25.tokenizer import Tokenizer


def greedy_text(
    model: GPTModel, tokenizer: Tokenizer, context: str, *, stops: Sequence[str], max_new_tokens: int
) -> str:
    """The continuation of a context, without the stop that ended it.

    It ends before the first of `stops`, at a token that ends a text, after `max_new_tokens`, or where the block is
    full. A context that leaves no room for the new tokens is cut on the left, as lm-evaluation-harness does.
    """
    block_size = model.configuration.block_size
    room = max(1, block_size - max_new_tokens)
    tokens = tokenizer.encode(context)[-room:] or [tokenizer.end_of_text_id]
    weight = model.transformer.word_token_embeddings.weight
    cache = KeyValueCache(model.configuration, batch_size=1, device=weight.device, dtype=weight.dtype)
    end_ids = model.end_ids(tokenizer.end_of_text_id)
    written: list[int] = []
    feed = tokens
    with evaluating(model):
        while len(written) < max_new_tokens and len(tokens) + len(written) <= block_size:
            hidden = model.hidden_states(torch.tensor([feed], device=weight.device), cache=cache)  # (1, time, channels)
            token = int(model.language_modeling_head(hidden[:, -1]).argmax())
            if token in end_ids:
                break
            written.append(token)
            text = tokenizer.decode(written)
            ends = [place for stop in stops if stop and (place := text.find(stop)) >= 0]
            if ends:
                return text[: min(ends)]
            feed = [token]
    return tokenizer.decode(written)
