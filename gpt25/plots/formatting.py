"""Human-readable numbers: counts, durations, and the ticks of an axis."""

import math
from dataclasses import dataclass

from gpt25.counted import singular
from gpt25.plots.curves import HorizontalAxis

_STEPS = (1, 2, 2.5, 5, 10)
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True)
class AxisLabel:
    """The title of a horizontal axis, and the unit of its ticks."""

    title: str
    """What it measures, with its unit."""
    unit: float
    """How much one of these units is: 60 for an axis of seconds labelled in minutes."""


def axis_label(x: HorizontalAxis, *, largest: float) -> AxisLabel:
    """The title and the unit that make the tick labels short: 7,200 seconds are shown as 2 hours."""
    if x == "updates":
        return AxisLabel("updates", 1)
    if x == "tokens":
        for unit, word in ((1e9, "billions of training tokens"), (1e6, "millions of training tokens")):
            if largest >= unit:
                return AxisLabel(word, unit)
        return AxisLabel("training tokens", 1)
    for unit, word in ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes")):
        if largest >= 2 * unit:
            return AxisLabel(f"{word} of training", unit)
    return AxisLabel("seconds of training", 1)


def round_ticks(low: float, high: float, *, most: int) -> list[float]:
    """At most `most` (2 or more) round numbers within the limits: round_ticks(0.1, 3.2, most=4) -> [1.0, 2.0, 3.0]."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return [low]
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in (*_STEPS, 20) if step * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)][:most]


def tick_label(value: float, *, step: float) -> str:
    """A tick with as many decimals as its neighbours need: tick_label(2.5, step=0.5) -> "2.5"."""
    if step <= 0 or not math.isfinite(step):
        return axis_number(float(f"{value:.4g}"))
    decimals = next((n for n in range(10) if abs(step * 10**n - round(step * 10**n)) < 1e-6 * step * 10**n), 9)
    return f"{value + 0.0:,.{decimals}f}"


def axis_number(value: float) -> str:
    """A number on an axis, never with an exponent: axis_number(1.2e6) -> "1,200,000"."""
    return f"{value:,.10g}"


def count(number: float) -> str:
    """A large number in three digits and a word: count(124_439_808) -> "124 million"."""
    for unit, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if number >= 0.9995 * unit:
            return f"{_three_digits(number / unit)} {word}"
    return f"{number:,.0f}"


def count_of(number: float, plural: str) -> str:
    """A count with its noun: count_of(1, "tokens") -> "1 token"."""
    return f"{count(number)} {singular(plural) if number == 1 else plural}"


def duration(seconds: float) -> str:
    """A time span in its two largest units: duration(3725) -> "1 h 02 min"."""
    rounded = round(seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if rounded < _MINUTE:
        return f"{rounded} s"
    if rounded < _HOUR:
        return f"{rounded // _MINUTE} min {rounded % _MINUTE:02d} s"
    rounded = round(seconds / _MINUTE)
    if rounded < _DAY // _MINUTE:
        return f"{rounded // 60} h {rounded % 60:02d} min"
    rounded = round(seconds / _HOUR)
    return f"{rounded // 24} d {rounded % 24} h"


def size(number_of_bytes: float) -> str:
    """A file size in decimal units: size(1_234_567) -> "1.23 MB"."""
    for unit, word in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number_of_bytes >= 0.9995 * unit:
            return f"{_three_digits(number_of_bytes / unit)} {word}"
    return f"{number_of_bytes:,.0f} bytes"


def two_digits(value: float) -> str:
    """A figure around 1 or far below it in two digits: two_digits(0.01234) -> "0.012"; "none" for NaN."""
    if math.isnan(value):
        return "none"
    if value == 0 or value >= 0.095:
        return f"{value:.2f}"
    return f"{value:.{1 - math.floor(math.log10(value) + 1e-9)}f}" if value >= 1e-4 else f"{value:.1e}"


def percentage(value: float) -> str:
    """A probability in percent: percentage(0.4321) -> "43 %"; percentage(0.004) -> "0.4 %"."""
    return f"{100 * value:.0f} %" if value >= 0.0995 else f"{100 * value:.1f} %"


def _three_digits(number: float) -> str:
    """_three_digits(1.2345) -> "1.23"; _three_digits(1234.5) -> "1,234"."""
    decimals = max(0, 2 - max(0, math.floor(math.log10(number) + 1e-3)))
    return f"{number:,.{decimals}f}"
