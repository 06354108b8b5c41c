"""The one thread that lets the engines step."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from gpt25.errors import GenerationError
from gpt25.generation.engine import Engine, Request
from gpt25.server.driving.answer import Answer
from gpt25.server.driving.work_between_steps import WorkBetweenSteps

T = TypeVar("T")
_MOST_WORK_WAITING = 16  # pieces of work between steps


class TooManyWaitingError(GenerationError):
    """As many prompts wait as may, or as many tokens are asked for at a time."""


class EngineDriver:
    """Steps the engines that have something to do, one after another, and sleeps when none has.

    `submit` is for the event loop, which never waits for a step. An engine that fails loses the texts it had, and goes
    on with the next.
    """

    def __init__(self, *, most_waiting: int, most_tokens: int, report: Callable[[str], None]) -> None:
        """most_waiting: prompts without a slot. most_tokens: of prompts and texts together that are being answered.

        report: is told what failed, in words without anybody's text.
        """
        self._most_waiting = most_waiting
        self._most_tokens = most_tokens
        self._report = report
        self._condition = threading.Condition()
        self._answers: dict[Answer, Engine] = {}
        self._tokens: dict[Answer, int] = {}
        self._engines: set[Engine] = set()
        self._work = WorkBetweenSteps()
        self._ends = False
        self._thread = threading.Thread(target=self._run, name="gpt25-engines", daemon=True)

    @property
    def answering(self) -> int:
        """Requests that are being answered."""
        return len(self._answers)

    def start(self) -> None:
        """Begin to step."""
        self._thread.start()

    def require_place(self, engine: Engine) -> None:
        """Raise TooManyWaitingError where not even one more prompt may wait, before any work is done for it."""
        self._require_room(engine, 1, 0)

    def submit(self, engine: Engine, requests: Sequence[Request]) -> Answer:
        """Queue the prompts of one request, all or none; called in the event loop that will read the answer.

        Raises TooManyWaitingError; GenerationError where one does not fit a slot.
        """
        tokens = sum(
            request.settings.samples * request.max_new_tokens + len(request.prompt_ids) for request in requests
        )
        with self._condition:
            self._require_room(engine, len(requests), tokens)
            tickets = []
            try:
                for request in requests:
                    tickets.append(engine.submit(request))
            except GenerationError:
                for ticket in tickets:
                    engine.cancel(ticket)
                raise
            answer = Answer(tickets, asyncio.get_running_loop())
            self._answers[answer] = engine
            self._tokens[answer] = tokens
            self._engines.add(engine)
            self._condition.notify()
        return answer

    def perform(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Do something with a model between two steps, during which nobody else uses it; called in the event loop.

        work: must be short, for every text waits for it. The future holds what it returns or raises, and is cancelled
        where the server ends before. Raises TooManyWaitingError.
        """
        with self._condition:
            if len(self._work) >= _MOST_WORK_WAITING:
                raise TooManyWaitingError(f"{len(self._work)} looks into models wait already; try again later.")
            future = self._work.add(work)
            self._condition.notify()
        return asyncio.wrap_future(future)

    def _require_room(self, engine: Engine, prompts: int, tokens: int) -> None:
        """Let a large request wait alone, but nobody behind a full queue."""
        if engine.waiting and engine.waiting + prompts > self._most_waiting:
            raise TooManyWaitingError(f"{engine.waiting} prompts wait already; try again later.")
        taken = sum(self._tokens.values())
        if taken and taken + tokens > self._most_tokens:
            raise TooManyWaitingError(f"{taken:,} tokens are being written or read already; try again later.")

    def end_all(self, why: str) -> None:
        """End every answer with an error."""
        with self._condition:
            for answer in self._answers:
                answer.fail(why)
            self._condition.notify()

    def stop(self) -> None:
        """End the thread after its step."""
        with self._condition:
            self._ends = True
            self._condition.notify()
        if self._thread.is_alive():
            self._thread.join()
        self._work.cancel_all()

    def _run(self) -> None:
        while self._wait():
            self._work.do_one()
            for engine in [engine for engine in self._engines if not engine.is_idle]:
                self._step(engine)
            self._announce()

    def _wait(self) -> bool:
        """Sleep until there is something to do; False when the end has come."""
        with self._condition:
            self._condition.wait_for(
                lambda: self._ends or self._work or self._answers or any(not engine.is_idle for engine in self._engines)
            )
            return not self._ends

    def _answers_now(self) -> dict[Answer, Engine]:
        with self._condition:
            return dict(self._answers)

    def _step(self, engine: Engine) -> None:
        try:
            engine.step()
        except Exception as problem:
            self._report(f"a step failed ({type(problem).__name__}); the texts that it was to write have ended")
            for answer, its_engine in self._answers_now().items():
                if its_engine is engine:
                    answer.fail("a step of the model failed.")

    def _announce(self) -> None:
        """Wake those who wait for what came of the step, and forget the answers that are complete."""
        for answer in self._answers_now():
            if not answer.has_news:
                continue
            if answer.is_finished:
                with self._condition:
                    del self._answers[answer], self._tokens[answer]
            answer.announce()
