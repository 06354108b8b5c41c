"""How far a long piece of work has come: a bar on a terminal, a plain line every few seconds elsewhere."""

import sys
import time
from typing import Any, Protocol

from gpt25.cli.streams.visible_text import visible_text
from gpt25.counted import counted, singular

SECONDS_BETWEEN_PLAIN_LINES = 5.0
_MOST_WANTED = ("loss", "validation_loss")
"""Fields that a narrow line keeps longest."""


class Progress(Protocol):
    """What a command hands down to long work: `advance` is called with the units done since the last call."""

    def advance(self, units_done: int = 1, /, **fields: Any) -> None:
        """Count `units_done` more, and show `fields` (a loss, a rate) beside the count from now on."""


def count_text(number: float) -> str:
    """A rate or a count in few characters: 0.25 -> "0.25", 12.34 -> "12.3", 51234 -> "51,234"."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def duration_text(seconds: float) -> str:
    """7.4 -> "7 s", 75 -> "1 min 15 s", 7300 -> "2 h 2 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def fields_text(fields: dict[str, Any]) -> str:
    """{"loss": 3.14159, "tokens_per_second": 51234.0} -> "loss 3.1416, tokens/s 51,234"."""
    texts = []
    for name, value in fields.items():
        if isinstance(value, float):
            value = f"{value:.4f}" if abs(value) < 100 else f"{value:,.0f}"
        elif isinstance(value, int) and not isinstance(value, bool):
            value = f"{value:,}"
        texts.append(f"{name.replace('_per_second', '/s').replace('_', ' ')} {value}")
    return visible_text(", ".join(texts), in_one_line=True)


class SilentProgress:
    """Counts nothing and says nothing."""

    def advance(self, units_done: int = 1, /, **fields: Any) -> None:
        """Do nothing."""


class PlainProgress:
    """A line at most every few seconds on standard error, and one at the end."""

    def __init__(self, description: str, total: int | None, unit: str, *, done: int = 0) -> None:
        self._description = visible_text(description, in_one_line=True)
        self._total = total
        self._unit = unit
        self._before = self._done = done
        self._fields: dict[str, Any] = {}

    def __enter__(self) -> "PlainProgress":
        self._start = self._last_line = time.monotonic()
        return self

    def __exit__(self, kind: object, problem: object, trace: object) -> None:
        if kind is None:
            elapsed = duration_text(time.monotonic() - self._start)
            of_all = f", {self._done:,} in all" if self._before else ""
            self._print(f"{counted(self._done - self._before, self._unit)} in {elapsed}{of_all}")

    def advance(self, units_done: int = 1, /, **fields: Any) -> None:
        """Count `units_done` more; a line appears when the last one is old enough."""
        self._done += units_done
        self._fields |= fields
        now = time.monotonic()
        if now - self._last_line >= SECONDS_BETWEEN_PLAIN_LINES:
            self._last_line = now
            self._print(self._so_far(now - self._start))

    def _so_far(self, elapsed_seconds: float) -> str:
        rate = (self._done - self._before) / elapsed_seconds
        if self._total is None:
            return f"{counted(self._done, self._unit)}, {count_text(rate)}/s"
        text = f"{self._done:,}/{self._total:,} {self._unit}, {count_text(rate)}/s"
        if self._before < self._done < self._total:
            text += f", {duration_text((self._total - self._done) / rate)} left"
        return text

    def _print(self, text: str) -> None:
        fields = fields_text(self._fields)
        print(f"{self._description}: {text}{', ' if fields else ''}{fields}", file=sys.stderr, flush=True)


class TerminalProgress:
    """A bar with the count, the rate, the time left and the fields, drawn by rich on one line of standard error.

    Where the line is too narrow, what matters less is left out, and stays so: nothing jumps to and fro.
    """

    def __init__(self, description: str, total: int | None, unit: str, *, done: int = 0) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        console = Console(stderr=True)
        description = visible_text(description, in_one_line=True)
        bar_width = 24 if console.width >= 110 else 10
        self._room = max(console.width - len(description) - bar_width - 3, 10)
        self._room_of_bar = bar_width + 1
        self._unit = unit
        self._fields: dict[str, Any] = {}
        self._left_out = 0  # so many of what `_states` can do without
        self._words = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[state]}", markup=False)
        self._bar = Bar(
            self._words[0],
            BarColumn(bar_width),
            self._words[1],
            console=console,
            # Standard output may be a file or a pipe: what is printed there must not be drawn with the bar.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._task = self._bar.add_task(description, total=total, completed=done, state="")

    def __enter__(self) -> "TerminalProgress":
        self._bar.start()
        return self

    def __exit__(self, kind: object, problem: object, trace: object) -> None:
        self._left_out = 0  # what stays on the screen has no time left beside it
        self.advance(0)
        self._bar.stop()

    def advance(self, units_done: int = 1, /, **fields: Any) -> None:
        """Count `units_done` more and redraw the fields."""
        self._fields |= fields
        self._bar.advance(self._task, units_done)
        states = self._states()
        while self._left_out < len(states) - 1 and len(states[self._left_out][0]) > states[self._left_out][1]:
            self._left_out += 1
        state, room = states[self._left_out]
        if room > self._room:
            self._bar.columns = self._words
        if len(state) > room:
            state = state[: room - 1] + "…"
        self._bar.update(self._task, state=state)

    def _states(self) -> list[tuple[str, int]]:
        """What may stand behind the description, with the room for it: all first, then ever less of it."""
        task = self._bar.tasks[self._task]
        total = "" if task.total is None else f"/{task.total:,.0f}"
        unit = singular(self._unit) if (task.total or task.completed) == 1 else self._unit
        rate = f"{count_text(task.speed)}/s" if task.speed else ""
        left = f"{duration_text(task.time_remaining)} left" if task.time_remaining else ""
        count = f"{task.completed:,.0f}{total}"
        losses = {name: value for name, value in self._fields.items() if name in _MOST_WANTED}
        wide, narrow = self._room, self._room + self._room_of_bar
        steps = [
            ((f"{count} {unit}", rate, left, fields_text(self._fields)), wide),
            ((f"{count} {unit}", left, fields_text(self._fields)), wide),
            ((f"{count} {unit}", left, fields_text(self._fields)), narrow),
            ((f"{count} {unit}", left, fields_text(losses)), narrow),
            ((count, left, fields_text(losses)), narrow),
            ((count, fields_text(losses)), narrow),
        ]
        return [(", ".join(filter(None, parts)), room) for parts, room in steps]
