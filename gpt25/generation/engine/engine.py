"""Continuous batching: texts come and go between the steps of one model."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from gpt25.errors import GenerationError
from gpt25.generation.engine.reading import Reading, next_reading
from gpt25.generation.engine.request import Request
from gpt25.generation.engine.runner import Runner
from gpt25.generation.engine.running_text import RunningText
from gpt25.generation.engine.slot_table import SlotTable
from gpt25.generation.engine.ticket import Ticket
from gpt25.generation.not_drawn import require_drawn
from gpt25.generation.running_sample import RunningSample
from gpt25.tokenizer import Tokenizer

_PIECE_BESIDE_OTHERS = 32  # tokens of prompts read in a step that others wait for: about as long as a full batch takes


class _Ready(NamedTuple):
    """A text that is to draw, and where the logits lie that it draws by."""

    text: RunningText
    logits: Any  # (rows, vocabulary), as the runner gave them, of which one is the text's
    row: int

    @property
    def own_logits(self) -> Any:
        """The text's own row (vocabulary)."""
        return self.logits[self.row]


class QueueFullError(GenerationError):
    """More requests wait than the engine was told to hold."""


class Engine:
    """Continues the prompts of many requests at a time, each text as if it were alone.

    `submit` and `cancel` may be called from any thread, `step` from one at a time. Requests that wait take turns, one
    sample each, so that one with many samples does not keep out the others. A prompt is read once for all its samples,
    and a beginning that another slot holds is copied from there. Prompts are read in pieces while other texts run.
    A request that fails, or is cancelled, ends alone.
    """

    def __init__(
        self,
        runner: Runner[Any],
        tokenizer: Tokenizer,
        *,
        end_ids: frozenset[int],
        most_waiting: int | None = None,
        piece_beside_others: int = _PIECE_BESIDE_OTHERS,
    ) -> None:
        """end_ids: tokens at which a text ends. most_waiting: requests that may wait for a slot; None for any."""
        self._runner = runner
        self._tokenizer = tokenizer
        self._end_ids = end_ids
        self._most_waiting = most_waiting
        self._piece_beside_others = piece_beside_others
        self._slots = SlotTable(runner.slots)
        self._texts: list[RunningText] = []
        self._waiting: deque[Ticket] = deque()
        self._lock = threading.Lock()  # of the queue
        self.tokens_read = 0
        """Tokens that the model has read since the engine began, prompts and new ones."""

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self._texts and not self._waiting

    @property
    def running(self) -> int:
        """Texts that have a slot."""
        return len(self._texts)

    @property
    def waiting(self) -> int:
        """Requests of which samples wait for a slot."""
        return len(self._waiting)

    def submit(self, request: Request) -> Ticket:
        """Queue a request. Raises QueueFullError; GenerationError where it does not fit a slot."""
        positions = len(request.prompt_ids) + max(request.max_new_tokens, 1) - 1  # the last token is never read
        if positions > self._runner.capacity:
            raise GenerationError(
                f"the prompt's {len(request.prompt_ids)} tokens and {request.max_new_tokens} new ones do not fit the "
                f"{self._runner.capacity} positions that this engine keeps for a text."
            )
        ticket = Ticket(request)
        with self._lock:
            if self._most_waiting is not None and len(self._waiting) >= self._most_waiting:
                raise QueueFullError(
                    f"as many requests wait already as are allowed ({len(self._waiting)}); try again later."
                )
            self._waiting.append(ticket)
        return ticket

    def cancel(self, ticket: Ticket) -> None:
        """End a request: in the queue at once, else before the next step."""
        ticket.is_cancelled = True

    def step(self) -> None:
        """Let every running text have its next token, and waiting ones begin."""
        self._drop_ended()
        self._admit()
        reading = next_reading(
            self._texts,
            self._slots.tokens,
            most_rows=self._runner.most_rows,
            piece_beside_others=self._piece_beside_others,
        )
        ready = self._read(reading) if reading.tokens else []
        self._admit()  # the other samples of prompts that have just been read
        ready += self._siblings(ready)
        self._draw(ready)
        self._drop_ended()

    def _siblings(self, ready: Sequence[_Ready]) -> list[_Ready]:
        """Texts that have nothing to read because another sample of their request read the prompt."""
        reading = {id(each.text) for each in ready}
        siblings = [text for text in self._texts if not text.unread and id(text) not in reading]
        known = [(text, text.ticket.last_logits) for text in siblings]
        return [_Ready(text, logits[None], 0) for text, logits in known if logits is not None]

    def _read(self, reading: Reading) -> list[_Ready]:
        """Let the model read; return the texts that are to draw."""
        rows = {"slots": reading.slots, "positions": reading.positions, "wanted": reading.wanted}
        try:
            logits = self._runner.read(reading.tokens, **rows)[:, : self._tokenizer.vocabulary_size]
        except BaseException:
            for text, _ in reading.pieces:  # what their slots hold is now unknown
                text.ticket.error = GenerationError("the step that was to read this text failed.")
                self._lose(text)
            raise
        self.tokens_read += len(reading.tokens)
        ready, first = [], 0
        for text, count in reading.pieces:
            held = self._slots.tokens[text.slot]
            if text.wants_every_row:
                text.note_prompt(logits[first : first + count], past=len(held), runner=self._runner)
                first += count
            elif count == len(text.unread):
                first += 1
            held += text.unread[:count]
            del text.unread[:count]
            if not text.unread:
                ready.append(_Ready(text, logits, first - 1))
                if text.is_reading_prompt and text.ticket.is_waiting:
                    text.ticket.last_logits = self._runner.kept(logits[first - 1])
        return ready

    def _lose(self, text: RunningText) -> None:
        """Let nobody read what the slot of a failed text holds."""
        self._slots.forget(text.slot)
        self._runner.clear(text.slot)

    def _draw(self, ready: Sequence[_Ready]) -> None:
        """Draw the next token of every text; end those that only had to read."""
        for each in ready:
            if each.text.ticket.request.max_new_tokens == 0:
                each.text.end_unwritten()
        drawing = [each for each in ready if each.text.ticket.request.max_new_tokens > 0]
        if not drawing:
            return
        drawn = self._runner.draw(
            self._together(drawing),
            settings=[each.text.sample.settings for each in drawing],
            histories=[each.text.sample.history for each in drawing],
            uniforms=[each.text.sample.next_uniform() for each in drawing],
        )
        for each, token_id in zip(drawing, drawn, strict=True):
            try:
                require_drawn([token_id])
            except GenerationError as error:
                each.text.ticket.error = error
                self._lose(each.text)
            else:
                each.text.accept(token_id, each.own_logits, runner=self._runner)

    def _together(self, drawing: Sequence[_Ready]) -> Any:
        """The logits (texts, vocabulary) of texts, where they lie if they lie there in order."""
        logits = drawing[0].logits
        if all(each.logits is logits and each.row == place for place, each in enumerate(drawing)):
            return logits[: len(drawing)]
        return self._runner.together([each.own_logits for each in drawing])

    def _drop_ended(self) -> None:
        """Free the slots of texts that have ended, and forget requests in the queue that have."""
        with self._lock:
            self._waiting = deque(ticket for ticket in self._waiting if ticket.is_waiting)
        ended = [text for text in self._texts if text.ticket.is_finished or text.sample.finish_reason is not None]
        if not ended:
            return
        self._texts = [text for text in self._texts if text not in ended]
        for text in ended:
            text.ticket.ended += text.sample.finish_reason is not None
            self._slots.release(text.slot)
            if not text.ticket.is_waiting:
                text.ticket.last_logits = None
        if self._runner.prefers_first_slots:
            self._move_down()

    def _move_down(self) -> None:
        """Let texts in the highest slots take the place of those that have ended."""
        for text in sorted(self._texts, key=lambda text: -text.slot):
            lower = self._slots.move(text.slot)
            if lower is None:
                return
            self._runner.copy(text.slot, lower, len(self._slots.tokens[lower]))
            text.slot = lower

    def _admit(self) -> None:
        """Give free slots to waiting requests in turns, but to the others of one prompt only once it has been read."""
        held_back: list[Ticket] = []
        while self._slots.has_free:
            with self._lock:
                if not self._waiting:
                    break
                ticket = self._waiting.popleft()
            if ticket.started > 0 and ticket.last_logits is None and self._reads_prompt_of(ticket):
                held_back.append(ticket)
                continue
            self._begin(ticket)
            if ticket.is_waiting:
                with self._lock:
                    self._waiting.append(ticket)
        with self._lock:
            self._waiting.extendleft(reversed(held_back))

    def _reads_prompt_of(self, ticket: Ticket) -> bool:
        return any(text.ticket is ticket and text.is_reading_prompt for text in self._texts)

    def _begin(self, ticket: Ticket) -> None:
        """Give one sample of the request a slot, with what is known of its prompt."""
        request, index = ticket.request, ticket.started
        prompt = list(request.prompt_ids)
        usable = prompt[:0] if request.prompt_log_probabilities and index == 0 else prompt
        slot, source, length = self._slots.take(usable or prompt[:1])
        if not usable:
            length = 0
        if ticket.last_logits is None:
            length = min(length, len(prompt) - 1)  # the logits behind the last token are wanted
        if source != slot and length:
            self._runner.copy(source, slot, length)
        del self._slots.tokens[slot][length:]
        assert request.settings.seed is not None
        sample = RunningSample(
            index,
            prompt_ids=prompt,
            settings=request.settings,
            seed=request.settings.seed,
            max_new_tokens=request.max_new_tokens,
            tokenizer=self._tokenizer,
            end_ids=self._end_ids,
        )
        ticket.started += 1
        self._texts.append(RunningText(ticket, sample, slot, unread=prompt[length:]))
