"""How far a run has come, counted in what takes the time."""

from contextlib import ExitStack
from typing import Any

from gpt25.recipes.reporter import Reporter
from gpt25.training import TrainingConfiguration


class RunProgress:
    """Progress of a run in updates; in tokens where updates differ in size, or the time left would be wrong."""

    def __init__(self, configuration: TrainingConfiguration, reporter: Reporter, *, updates_done: int) -> None:
        self._reporter = reporter
        self._sizes = configuration.update_sizes
        self._counts_tokens = len(self._sizes.all_rows) > 1
        self._number_of_updates = configuration.loop.number_of_updates
        self._done = self._count(updates_done)
        self._updates_done = updates_done
        self._tokens, self._seconds = 0, 0.0
        self._stack = ExitStack()

    def __enter__(self) -> "RunProgress":
        total, unit = self._count(self._number_of_updates), "tokens" if self._counts_tokens else "updates"
        if self._counts_tokens:
            self._reporter.note(f"an update reads {self._sizes}")
        self._display = self._stack.enter_context(self._reporter.progress("training", total, unit, done=self._done))
        return self

    def __exit__(self, *problem: Any) -> None:
        if self._seconds > 0:
            # What stays on the screen is about all that was done, not about the last update.
            self._display.advance(0, tokens_per_second=self._tokens / self._seconds)
        self._stack.__exit__(*problem)

    def advance(self, updates_done: int, /, *, tokens_per_second: float, **fields: Any) -> None:
        """So many updates of the whole run are done now; show the fields beside the count.

        tokens_per_second: of the last update; at the end the mean of all updates of this call is shown.
        """
        now, tokens = self._count(updates_done), self._sizes.tokens_before(updates_done)
        tokens -= self._sizes.tokens_before(self._updates_done)
        self._tokens, self._seconds = self._tokens + tokens, self._seconds + tokens / tokens_per_second
        self._updates_done = updates_done
        fields["tokens_per_second"] = tokens_per_second
        if self._counts_tokens:
            fields = {"update": updates_done, **fields}
        self._display.advance(now - self._done, **fields)
        self._done = now

    def _count(self, updates: int) -> int:
        return self._sizes.tokens_before(updates) if self._counts_tokens else updates
