"""A loss graph as inline SVG: it takes its colours from the page, so it follows light and dark mode."""

from collections.abc import Callable, Sequence
from html import escape
from itertools import pairwise

from gpt25.plots.curves import Curves, HorizontalAxis, Point, downsample, vertical_limits
from gpt25.plots.formatting import axis_label, count, duration, round_ticks, tick_label

_TOP, _BOTTOM, _LEFT = 16, 46, 44
_HOVER_STRIPS = 60
_DOT_COLUMNS = 60  # of many validations at most 240 get a dot, the lowest and the highest among them
_PIXELS_PER_TICK_ACROSS, _PIXELS_PER_TICK_DOWN = 60, 55


def loss_chart(curves: Curves, *, x: HorizontalAxis, width: int, height: int) -> str:
    """Draw one run's losses into an <svg> of `width` × `height` pixels; every point says its values when hovered.

    The page's style sheet colours the classes raw, smooth, validation, alarm, grid, tick, title and strip.
    """
    line, dots = curves.training, curves.validation
    places = [place for place, _ in [*line, *dots]] + curves.not_finite
    largest = max(places, default=1.0) or 1.0
    low, high = vertical_limits([curves])
    right = width - 14
    axis = axis_label(x, largest=largest)

    def across(place: float) -> float:
        return _LEFT + (right - _LEFT) * place / largest

    def down(loss: float) -> float:
        return _TOP + (height - _BOTTOM - _TOP) * (high - loss) / (high - low)

    columns = (right - _LEFT) // 2
    dotted = downsample(dots, columns=_DOT_COLUMNS)
    raw = downsample(line, columns=columns)
    smoothed = downsample(curves.smoothed, columns=columns)
    frame = f"frame-{x}-{width}"
    parts = [
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(_in_words(curves, x), quote=True)}">',
        f'<clipPath id="{frame}"><rect x="{_LEFT}" y="{_TOP - 8}" width="{right - _LEFT + 8}" '
        f'height="{height - _BOTTOM - _TOP + 8}"/></clipPath>',
        *_axes(across, down, low, high, largest, axis.unit, width, height),
        f'<text class="title" x="{right}" y="{height - 6}" text-anchor="end">{escape(axis.title)}</text>',
        f'<g clip-path="url(#{frame})">',
        *(_path("raw", raw, across, down) if len(line) > 1 else []),
        *(_dots("point", line, across, down, x) if curves.has_few_points else _path("smooth", smoothed, across, down)),
        *_path("validation", dotted, across, down),
        *(
            f'<text class="alarm" x="{across(place):.1f}" y="{height - _BOTTOM - 3}" text-anchor="middle">×</text>'
            for place in curves.not_finite[:200]
        ),
        "</g>",
        *_strips(curves.smoothed, across, height, right, x),
        *(_diamond(curves.held_out, across, down) if curves.held_out else []),
        *_dots("point", dotted, across, down, x, label="validation"),
        "</svg>",
    ]
    return "".join(parts)


def place_in_words(place: float, x: HorizontalAxis) -> str:
    """place_in_words(1_500_000, "tokens") -> "1.50 million tokens"."""
    if x == "seconds":
        return duration(place)
    return f"{count(place)} tokens" if x == "tokens" else f"update {place:,.0f}"


def _in_words(curves: Curves, x: HorizontalAxis) -> str:
    """The text alternative of the picture."""
    sentences = []
    for kind, points in (("Training", curves.smoothed), ("Validation", curves.validation)):
        if points:
            (_, first), (place, last) = points[0], points[-1]
            sentences.append(
                f"{kind} loss from {first:.2f} to {last:.2f} nats per token at {place_in_words(place, x)}."
            )
    return " ".join(sentences) or "No loss measured yet."


def _axes(
    across: Callable[[float], float],
    down: Callable[[float], float],
    low: float,
    high: float,
    largest: float,
    unit: float,
    width: int,
    height: int,
) -> list[str]:
    """Grid lines with their tick labels on the left, tick labels along the bottom."""
    parts = []
    losses = round_ticks(low, high, most=max(2, height // _PIXELS_PER_TICK_DOWN))
    step = losses[1] - losses[0] if len(losses) > 1 else 0.0
    for loss in losses:
        y = down(loss)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{width - 14}" y1="{y:.1f}" y2="{y:.1f}"/>')
        label = tick_label(loss, step=step)
        parts.append(f'<text class="tick" x="{_LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    places = round_ticks(0, largest / unit, most=max(2, width // _PIXELS_PER_TICK_ACROSS))
    step = places[1] - places[0] if len(places) > 1 else 0.0
    for place in places:
        parts.append(
            f'<text class="tick" x="{across(place * unit):.1f}" y="{height - _BOTTOM + 20}" text-anchor="middle">'
            f"{tick_label(place, step=step)}</text>"
        )
    return parts


def _path(
    name: str, points: Sequence[Point], across: Callable[[float], float], down: Callable[[float], float]
) -> list[str]:
    """One line through the points."""
    if not points:
        return []
    places = " ".join(f"{across(place):.1f},{down(value):.1f}" for place, value in points)
    return [f'<polyline class="{name}" points="{places}"/>']


def _dots(
    name: str,
    points: Sequence[Point],
    across: Callable[[float], float],
    down: Callable[[float], float],
    x: HorizontalAxis,
    *,
    label: str = "training",
) -> list[str]:
    """A circle per point, smaller where they are many, with its values as a hover title."""
    radius = 4 if len(points) <= 40 else 2.2
    return [
        f'<circle class="{name} {label}" cx="{across(place):.1f}" cy="{down(value):.1f}" r="{radius}">'
        f"<title>{label} loss {value:.3f} at {place_in_words(place, x)}</title></circle>"
        for place, value in points
        if down(value) >= 0
    ]


def _diamond(point: Point, across: Callable[[float], float], down: Callable[[float], float]) -> list[str]:
    """The loss on all of the held-out text: larger than a dot, and below it, so that both show where they meet."""
    x, y = across(point[0]), down(point[1])
    corners = f"{x:.1f},{y - 9:.1f} {x + 9:.1f},{y:.1f} {x:.1f},{y + 9:.1f} {x - 9:.1f},{y:.1f}"
    return [f'<polygon class="held-out" points="{corners}"><title>all held-out text {point[1]:.3f}</title></polygon>']


def _strips(
    points: Sequence[Point], across: Callable[[float], float], height: int, right: int, x: HorizontalAxis
) -> list[str]:
    """Invisible upright strips over the graph: whichever the pointer is in says the smoothed loss there."""
    chosen = points[:: max(1, len(points) // _HOVER_STRIPS)] if len(points) > 1 else []
    middles = [(across(first[0]) + across(second[0])) / 2 for first, second in pairwise(chosen)]
    strips = []
    for (place, value), (start, end) in zip(chosen, pairwise([float(_LEFT), *middles, float(right)]), strict=False):
        title = f"training loss {value:.3f} at {place_in_words(place, x)}"
        strips.append(
            f'<rect class="strip" x="{start:.1f}" y="{_TOP}" width="{max(0.0, end - start):.1f}" '
            f'height="{height - _BOTTOM - _TOP}"><title>{title}</title></rect>'
        )
    return strips
