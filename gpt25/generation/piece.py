"""A bit of text on its way to the reader."""

from dataclasses import dataclass

from gpt25.generation.sample import FinishReason


@dataclass(frozen=True)
class TokenProbability:
    """How likely the model held a token, by its logits as they are: before temperature, penalties and filters."""

    token_id: int
    log_probability: float
    """Natural logarithm."""
    likeliest: tuple[tuple[int, float], ...]
    """The likeliest tokens in its place and their log-probabilities, the likeliest first; as many as were asked for."""


@dataclass(frozen=True)
class Piece:
    """The next characters of one sample; all pieces of a sample, joined, are its text and its token ids."""

    index: int
    """Which sample of the request, from 0."""
    text: str
    """Whole characters that never have to be taken back; empty at most in a sample's last piece."""
    token_ids: tuple[int, ...]
    """Tokens drawn since the sample's last piece; a token of held-back text comes with the text or at the end."""
    finish_reason: FinishReason | None
    """None in all but the sample's last piece."""
    probabilities: tuple[TokenProbability, ...] = ()
    """One for each of the token ids, where the request asked for them; behind them that of the token at which the text
    ended, which is among no piece's token ids."""
