"""One choice of an answer, from the pieces of its text."""

import codecs
from collections.abc import Sequence
from typing import Any

from gpt25.generation import Piece
from gpt25.generation.piece import TokenProbability
from gpt25.tokenizer import Tokenizer

_LEAST_LOG_PROBABILITY = -9999.0  # JSON has no infinity


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

    def opening(self, probabilities: Sequence[TokenProbability]) -> dict[str, Any]:
        """The prompt as the beginning of the text; probabilities: of its tokens from the second on."""
        logprobs = None
        if self._logprobs is not None:
            self._offset = 0
            logprobs = self._arrays([None, *probabilities], self._prompt_ids)
            self._decoder.reset()
            self._offset = len(self._prompt_text)
        return _choice(self._index, self._prompt_text, logprobs, None)

    def add(self, piece: Piece) -> dict[str, Any]:
        """The next characters, with the log-probabilities of their tokens where these are asked for."""
        self._written += len(piece.text)
        logprobs = None
        if self._logprobs is not None:
            ids = [probability.token_id for probability in piece.probabilities]
            logprobs = self._arrays(piece.probabilities, ids)
            if piece.finish_reason == "stop":
                _leave_out(logprobs, from_offset=self._written, most=len(piece.token_ids))
        return _choice(self._index, piece.text, logprobs, piece.finish_reason)

    def _arrays(self, probabilities: Sequence[TokenProbability | None], ids: Sequence[int]) -> dict[str, list[Any]]:
        arrays: dict[str, list[Any]] = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
        for probability, token_id in zip(probabilities, ids, strict=True):
            arrays["tokens"].append(token_text(self._tokenizer, token_id))
            arrays["text_offset"].append(self._offset)
            self._offset += len(self._decoder.decode(self._tokenizer.token_bytes(token_id)))
            if probability is None:
                arrays["token_logprobs"].append(None)
                arrays["top_logprobs"].append(None)
                continue
            arrays["token_logprobs"].append(_finite(probability.log_probability))
            likeliest = {token_text(self._tokenizer, token): _finite(value) for token, value in probability.likeliest}
            likeliest.setdefault(arrays["tokens"][-1], _finite(probability.log_probability))
            arrays["top_logprobs"].append(likeliest)
        return arrays


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


def _leave_out(arrays: dict[str, list[Any]], *, from_offset: int, most: int) -> None:
    """Take out, of the first `most` tokens, those that spell a stop string which the text ends before."""
    beyond = [place for place, offset in enumerate(arrays["text_offset"][:most]) if offset >= from_offset]
    for array in arrays.values():
        for place in reversed(beyond):
            del array[place]
