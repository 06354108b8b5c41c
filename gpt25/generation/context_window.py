"""Which end of a long text the model reads, so that there is room to write on."""

from dataclasses import dataclass

from gpt25.generation.text_generator import DEFAULT_NEW_TOKENS


@dataclass(frozen=True)
class ContextWindow:
    """How a text of any length meets a block size."""

    skipped: int
    """Tokens at the beginning of the text that the model does not read."""
    new_tokens: int
    """How many tokens may follow those that it reads."""


def context_window(text_tokens: int, *, block_size: int, requested: int | None) -> ContextWindow:
    """Fit a text of `text_tokens` into the block size by leaving its beginning unread.

    requested: new tokens wanted; None is what `TextGenerator` writes by default. A quarter of the block is the most
    that the text makes room for, so that the model always reads three quarters of one of what stands before:
    context_window(900, block_size=1024, requested=None) -> skipped 132, new_tokens 256.
    """
    wanted = DEFAULT_NEW_TOKENS if requested is None else requested
    room = max(1, min(wanted, block_size // 4))
    read = min(text_tokens, block_size - room)
    return ContextWindow(skipped=text_tokens - read, new_tokens=min(wanted, block_size - read))
