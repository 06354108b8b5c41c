"""Lines as characters: Braille dots where they can be shown, and the lines' letters at their measurements."""

import string
from collections.abc import Sequence
from itertools import pairwise

from gpt25.plots.curves import Point
from gpt25.plots.formatting import round_ticks, tick_label
from gpt25.plots.report.lines_chart import Line, vertical_range

LETTERS = string.ascii_lowercase + string.ascii_uppercase
"""What the lines are called, by their order; a line beyond the last begins again."""
_LETTERS_OF_A_LINE = 8
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # (down, across) in a Braille cell, from U+2800
_BLANK = "\u2800"


def character_chart(
    lines: Sequence[Line],
    *,
    reference_lines: Sequence[tuple[str, float]] = (),
    across_title: str,
    columns: int,
    rows: int,
    braille: bool = True,
) -> list[str]:
    """The lines of text that draw the lines and, with their names, the reference lines near them.

    columns, rows: of the whole chart, its two axes included. Each line has its letter at some of its measurements, and
    between them dots, or nothing where Braille cannot be shown. [] where there is nothing to draw.
    """
    points = [point for line in lines for point in line.points]
    if not points:
        return []
    low, high = vertical_range(lines, reference_lines)
    ticks = round_ticks(low, high, most=max(2, (rows - 2) // 3))
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 0.0
    labels = [tick_label(tick, step=step) for tick in ticks]
    margin = max(map(len, labels), default=0)
    canvas = _Canvas(columns - margin - 2, rows - 2, max(x for x, _ in points), low, high)
    for label, value in reference_lines:
        if low <= value <= high:
            canvas.write_reference(f" {label} {value:g}", value)
    for line in lines if braille else ():
        for start, end in pairwise(line.points):
            canvas.draw(start, end)
    for number, line in enumerate(lines):
        canvas.write_letters(LETTERS[number % len(LETTERS)], line.points)
    at_row = {canvas.row_of(tick): label for tick, label in zip(ticks, labels, strict=True)}
    drawn = [
        f"{at_row.get(number, ''):>{margin}} {'┤' if number in at_row else '│'}{row}".rstrip(_BLANK + " ")
        for number, row in enumerate(canvas.text())
    ]
    return [*drawn, f"{'':>{margin}} └{'─' * canvas.columns}", _axis_line(canvas, across_title, margin)]


def _axis_line(canvas: "_Canvas", title: str, margin: int) -> str:
    """The largest value under the right end, the title in the middle."""
    largest = f"{canvas.largest:,.3g}"
    width = canvas.columns
    line = f"0{title.center(width - 1 - len(largest))}{largest}" if len(title) < width - 8 else title[:width]
    return f"{'':>{margin + 2}}{line}"


class _Canvas:
    """Cells of text, with 2 × 4 dots each."""

    def __init__(self, columns: int, rows: int, largest: float, low: float, high: float) -> None:
        self.columns, self.rows, self.largest = columns, rows, largest or 1.0
        self._low, self._high = low, high
        self._dots = [[0] * columns for _ in range(rows)]
        self._letters: dict[tuple[int, int], str] = {}
        self._words: dict[tuple[int, int], str] = {}

    def row_of(self, value: float) -> int:
        """The row of cells, from the top, in which a value lies."""
        return self._place((0.0, value))[1] // 4

    def _place(self, point: Point) -> tuple[int, int]:
        """Dots from the left and from the top; what lies outside is moved to the edge."""
        across, down = 2 * self.columns - 1, 4 * self.rows - 1
        x = round(across * point[0] / self.largest)
        y = round(down * (self._high - point[1]) / (self._high - self._low))
        return min(max(x, 0), across), min(max(y, 0), down)

    def draw(self, start: Point, end: Point) -> None:
        """Dots on the straight way between two points."""
        (x, y), (to_x, to_y) = self._place(start), self._place(end)
        steps = max(abs(to_x - x), abs(to_y - y), 1)
        for step in range(steps + 1):
            column, row = round(x + (to_x - x) * step / steps), round(y + (to_y - y) * step / steps)
            self._dots[row // 4][column // 2] |= _DOTS[row % 4][column % 2]

    def write_letters(self, letter: str, points: Sequence[Point]) -> None:
        """The letter at the last point and at some before it, evenly; not over another's."""
        every = max(1, len(points) // _LETTERS_OF_A_LINE)
        for point in list(reversed(points))[::every]:
            x, y = self._place(point)
            self._letters.setdefault((y // 4, x // 2), letter)

    def write_reference(self, words: str, value: float) -> None:
        """A dashed line with words at its right end."""
        row = self.row_of(value)
        begin = self.columns - len(words)
        for column in range(self.columns):
            if column >= begin:
                self._words[row, column] = words[column - begin]
            elif column % 2:
                self._words.setdefault((row, column), "-")

    def text(self) -> list[str]:
        """The rows: letters before dots, dots before the words of reference lines."""
        return ["".join(self._cell(row, column) for column in range(self.columns)) for row in range(self.rows)]

    def _cell(self, row: int, column: int) -> str:
        dots = self._dots[row][column]
        return self._letters.get((row, column)) or (chr(0x2800 + dots) if dots else self._words.get((row, column), " "))
