"""Several runs' measurements over one another as inline SVG, with published values as horizontal lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from gpt25.plots.curves import Point, downsample
from gpt25.plots.formatting import round_ticks, tick_label

_TOP, _BOTTOM, _RIGHT = 16, 46, 14
_FEWEST_PIXELS_LEFT, _PIXELS_PER_CHARACTER = 60, 8.2
_MOST_DOTS = 60
_MOST_COLOURS = 6
_FEWEST_TO_CROP = 50


@dataclass(frozen=True)
class Line:
    """One run's points in the axes' units."""

    name: str
    points: list[Point]
    marked: bool = False
    """Whether every point is a measurement of its own and gets a mark that says its value."""


def lines_chart(
    lines: Sequence[Line],
    *,
    reference_lines: Sequence[tuple[str, float]] = (),
    across_title: str,
    width: int,
    height: int,
) -> str:
    """An <svg> of the lines, coloured by their order (classes line-0 to line-5), with the reference lines near them.

    Where the first values tower over the others they stick out at the top, so that the ends can be told apart.
    """
    points = [point for line in lines for point in line.points]
    largest = max((x for x, _ in points), default=1.0) or 1.0
    low, high = vertical_range(lines, reference_lines)
    ticks = round_ticks(low, high, most=max(2, height // 55))
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 0.0
    labels = [tick_label(tick, step=step) for tick in ticks]
    left = round(max(_FEWEST_PIXELS_LEFT, 10 + _PIXELS_PER_CHARACTER * max(map(len, labels), default=0)))
    right, bottom = width - _RIGHT, height - _BOTTOM

    def place(point: Point) -> tuple[float, float]:
        down = _TOP + (bottom - _TOP) * (high - point[1]) / (high - low)
        return left + (right - left) * point[0] / largest, down

    parts = [f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" ']
    parts[0] += f'aria-label="{escape(_in_words(lines), quote=True)}">'
    for tick, label in zip(ticks, labels, strict=True):
        _, y = place((0, tick))
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    ticks = round_ticks(0, largest, most=max(2, width // 70))
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 0.0
    for tick in ticks:
        x, _ = place((tick, low))
        label = tick_label(tick, step=step)
        parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{label}</text>')
    parts.append(f'<text class="title" x="{right}" y="{height - 6}" text-anchor="end">{escape(across_title)}</text>')
    visible = [(label, value) for label, value in reference_lines if low <= value <= high]
    for _, value in visible:
        _, y = place((0, value))
        parts.append(f'<line class="level" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
    drawn: list[list[Point]] = []
    for number, line in enumerate(lines):
        colour = f"line-{number % _MOST_COLOURS}"
        places = [place(point) for point in downsample(line.points, columns=(right - left) // 2)]
        drawn.append(places)
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline class="{colour}" points="{corners}"/>')
        if len(line.points) == 1 or (line.marked and len(line.points) <= _MOST_DOTS):
            for point in line.points:
                x, y = place(point)
                title = escape(f"{line.name}: {point[1]:.4f}")
                parts.append(
                    f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>{title}</title></circle>'
                )
    for label, value in visible:  # above the lines, or they would strike it out
        _, y = place((0, value))
        name = f"{escape(label)} {value:g}"
        room = _PIXELS_PER_CHARACTER * len(name)
        overlaps = [_overlap(drawn, start, start + room, y) for start in (right - room, left)]
        x, anchor = (right, "end") if overlaps[0] <= overlaps[1] else (left + 6, "start")
        parts.append(f'<text class="level-name" x="{x}" y="{y - 5:.1f}" text-anchor="{anchor}">{name}</text>')
    return "".join([*parts, "</svg>"])


def _overlap(drawn: Sequence[Sequence[Point]], first: float, last: float, y: float) -> float:
    """How many pixels of the lines' length across a label at y, from first to last, would hide."""
    hidden = 0.0
    for places in drawn:
        for (x1, y1), (x2, y2) in pairwise(places):
            overlap = min(x2, last) - max(x1, first)
            if overlap > 0 and min(y1, y2) < y + 4 and max(y1, y2) > y - 20:
                hidden += overlap
    return hidden


def vertical_range(lines: Sequence[Line], reference_lines: Sequence[tuple[str, float]]) -> tuple[float, float]:
    """Lowest and highest value to show, of the lines and the reference lines near; towering first values leave it."""
    values = sorted(y for line in lines for _, y in line.points)
    if not values:
        return 0.0, 1.0
    near = [value for _, value in reference_lines if values[0] - 1.0 <= value <= values[-1] + 0.5]
    low, high = min([values[0], *near]), values[-1]
    usual = values[int(0.9 * (len(values) - 1))]
    if len(values) >= _FEWEST_TO_CROP and high - low > 3 * (usual - low) > 0:
        high = usual + 0.25 * (usual - low)
    high = max([high, *near])
    padding = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
    return low - padding, high + padding


def _in_words(lines: Sequence[Line]) -> str:
    """The text alternative."""
    sentences = [
        f"{line.name}: from {line.points[0][1]:.4g} to {line.points[-1][1]:.4g}." for line in lines if line.points
    ]
    return " ".join(sentences)
