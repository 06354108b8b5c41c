"""One choice of an answer, from the pieces of its text."""

import codecs
from collections.abc import Sequence
from typing import Any, NamedTuple

from gpt25.generation import Piece
from gpt25.generation.piece import TokenProbability
from gpt25.tokenizer import Tokenizer

_LEAST_LOG_PROBABILITY = -9999.0  # JSON has no infinity


class _Entry(NamedTuple):
    """What is said of one token."""

    token: str
    log_probability: float | None
    likeliest: dict[str, float] | None
    offset: int


class ChoiceWriter:
    """Makes of each piece what a stream says of it; a whole answer is all of these, joined."""

    def __init__(self, index: int, prompt_ids: Sequence[int], tokenizer: Tokenizer, *, logprobs: int | None) -> None:
        self._index = index
        self._prompt_ids = prompt_ids
        self._tokenizer = tokenizer
        self._logprobs = logprobs
        self._prompt_text = tokenizer.decode(prompt_ids)
        self._written = len(self._prompt_text)  # characters of prompt and text
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._offset = len(self._prompt_text)  # where the next token begins
        self._held: list[_Entry] = []  # of tokens whose text is held back, and may never be shown

    def opening(self, probabilities: Sequence[TokenProbability]) -> dict[str, Any]:
        """The prompt as the beginning of the text; probabilities: of its tokens from the second on."""
        if self._logprobs is None:
            return _choice(self._index, self._prompt_text, None, None)
        self._offset = 0
        entries = [self._entry(self._prompt_ids[0], None)]
        entries += [self._entry(each.token_id, each) for each in probabilities]
        self._decoder.reset()
        self._offset = len(self._prompt_text)
        return _choice(self._index, self._prompt_text, _arrays(entries), None)

    def add(self, piece: Piece) -> dict[str, Any]:
        """The next characters, with the log-probabilities of their tokens where these are asked for."""
        self._written += len(piece.text)
        if self._logprobs is None:
            return _choice(self._index, piece.text, None, piece.finish_reason)
        fresh = [self._entry(each.token_id, each) for each in piece.probabilities]
        written, end = fresh[: len(piece.token_ids)], fresh[len(piece.token_ids) :]  # the end of text is no text
        entries = [*self._held, *written]
        if piece.finish_reason == "length":
            shown = entries
        else:  # what spells a stop string stays held for ever
            shown = [entry for entry in entries if entry.offset < self._written]
            self._held = [entry for entry in entries if entry.offset >= self._written]
        return _choice(self._index, piece.text, _arrays([*shown, *end]), piece.finish_reason)

    def _entry(self, token_id: int, probability: TokenProbability | None) -> _Entry:
        token, offset = token_text(self._tokenizer, token_id), self._offset
        self._offset += len(self._decoder.decode(self._tokenizer.token_bytes(token_id)))
        if probability is None:
            return _Entry(token, None, None, offset)
        likeliest = {token_text(self._tokenizer, other): _finite(value) for other, value in probability.likeliest}
        likeliest.setdefault(token, _finite(probability.log_probability))
        return _Entry(token, _finite(probability.log_probability), likeliest, offset)


def joined(choices: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One choice of what a stream said of it, in order."""
    arrays = [choice["logprobs"] for choice in choices if choice["logprobs"] is not None]
    logprobs = {name: [each for some in arrays for each in some[name]] for name in arrays[0]} if arrays else None
    text = "".join(choice["text"] for choice in choices)
    return _choice(choices[0]["index"], text, logprobs, choices[-1]["finish_reason"])


def token_text(tokenizer: Tokenizer, token_id: int) -> str:
    r"""A token by itself: token_text(tokenizer, 262) -> " the"; one that is half a letter is "bytes:\xe2\x80"."""
    content = tokenizer.token_bytes(token_id)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in content)


def _choice(index: int, text: str, logprobs: dict[str, list[Any]] | None, finish_reason: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish_reason}


def _finite(log_probability: float) -> float:
    return max(log_probability, _LEAST_LOG_PROBABILITY)


def _arrays(entries: Sequence[_Entry]) -> dict[str, list[Any]]:
    """OpenAI's four parallel lists."""
    return {
        "tokens": [entry.token for entry in entries],
        "token_logprobs": [entry.log_probability for entry in entries],
        "top_logprobs": [entry.likeliest for entry in entries],
        "text_offset": [entry.offset for entry in entries],
    }
