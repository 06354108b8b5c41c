"""What becomes of the prompts of one request, for the event loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from gpt25.errors import GenerationError
from gpt25.generation import Piece
from gpt25.generation.engine import Ticket


class Answer:
    """The tickets of one request. The driving thread calls `announce` when there is more; one task reads."""

    def __init__(self, tickets: Sequence[Ticket], loop: asyncio.AbstractEventLoop) -> None:
        self.tickets = tuple(tickets)
        self._loop = loop
        self._news = asyncio.Event()

    @property
    def is_finished(self) -> bool:
        """Whether nothing more comes of any prompt."""
        return all(ticket.is_finished for ticket in self.tickets)

    @property
    def has_news(self) -> bool:
        """Whether somebody who reads would find something; asked by the driving thread."""
        return any(ticket.pieces for ticket in self.tickets) or self.is_finished

    def announce(self) -> None:
        """Wake the reader, from whatever thread; one that has ended with its loop wants no more."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._news.set)

    def cancel(self) -> None:
        """Let nothing more come: the slots are free before the engine's next step."""
        for ticket in self.tickets:
            ticket.is_cancelled = True

    def fail(self, why: str) -> None:
        """End with an error what has not ended, from whatever thread."""
        for ticket in self.tickets:
            if not ticket.is_finished:
                ticket.error = GenerationError(why)

    async def pieces(self) -> AsyncIterator[list[tuple[int, Piece]]]:
        """Yield what has come since, each piece with the number of its prompt, until all is there.

        Raises GenerationError where a prompt could not be continued to its end.
        """
        while True:
            finished = self.is_finished  # asked before looking, or the last pieces could be missed
            self._news.clear()
            found = [(number, piece) for number, ticket in enumerate(self.tickets) for piece in _taken(ticket)]
            if found:
                yield found
            for ticket in self.tickets:
                if ticket.error is not None:
                    raise ticket.error
                if ticket.is_cancelled:
                    raise GenerationError("the request was cancelled before its end.")
            if finished:
                return
            await self._news.wait()


def _taken(ticket: Ticket) -> list[Piece]:
    """The pieces that nobody has taken yet; the engine may add others meanwhile."""
    return [ticket.pieces.popleft() for _ in range(len(ticket.pieces))]
