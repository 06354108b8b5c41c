"""One sample while it grows."""

from gpt25.generation.history import History
from gpt25.generation.piece import Piece
from gpt25.generation.sample import FinishReason
from gpt25.generation.sampling_settings import SamplingSettings
from gpt25.generation.text_assembler import TextAssembler
from gpt25.runtime import UniformNumbers, derive_seed
from gpt25.tokenizer import Tokenizer


class RunningSample:
    """Everything that belongs to one sample and not to the batch it happens to run in: chance, history, text, end."""

    def __init__(
        self,
        index: int,
        *,
        prompt_ids: list[int],
        settings: SamplingSettings,
        seed: int,
        max_new_tokens: int,
        tokenizer: Tokenizer,
        end_ids: frozenset[int],
    ) -> None:
        self.index = index
        self.settings = settings
        self.finish_reason: FinishReason | None = None
        self._token_ids: list[int] = []
        self.history = History(prompt_ids, self._token_ids)
        self._reported = 0  # how many of the token ids have left in a piece
        self._max_new_tokens = max_new_tokens
        self._tokenizer = tokenizer
        self._end_ids = end_ids
        self._assembler = TextAssembler(stop=settings.stop)
        self._uniform_numbers = UniformNumbers(derive_seed(seed, "sample", index))

    def next_uniform(self) -> float:
        """This sample's next random number, uniform from 0 up to but not including 1; always 0 when greedy."""
        if self.settings.is_greedy:
            return 0.0
        return self._uniform_numbers.next()

    def accept(self, token_id: int) -> Piece | None:
        """Add the token that was drawn; return what can be shown, None while everything is held back."""
        text = ""
        if token_id in self._end_ids:
            self.finish_reason = "stop"
        else:
            self._token_ids.append(token_id)
            text = self._assembler.add(self._tokenizer.token_bytes(token_id))
            if len(self._token_ids) == self._max_new_tokens:
                self.finish_reason = "length"
        if self.finish_reason is not None:
            text += self._assembler.finish()
        if self._assembler.stopped:
            self.finish_reason = "stop"
        if not text and self.finish_reason is None:
            return None
        fresh, self._reported = tuple(self._token_ids[self._reported :]), len(self._token_ids)
        return Piece(self.index, text, fresh, self.finish_reason)
