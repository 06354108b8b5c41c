"""Where a measured figure passes a published one for good."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpt25.plots.formatting import count, duration
from gpt25.plots.measures.published_lines import PublishedLine
from gpt25.records import DEFAULT_CURRENCY, money_text


@dataclass(frozen=True)
class Crossing:
    """From here on no measurement so far lies on the wrong side of the line."""

    line: str
    """Whose line."""
    measure: str
    """The field of the metrics that crossed it."""
    level: float
    tokens: float
    seconds: float | None
    money: float | None
    """At the price per hour that was given."""
    is_first_measurement: bool
    """The run was past the line at its first measurement, so that the crossing is there or earlier."""
    higher_is_better: bool = False
    items: int | None = None
    """Of how many items the figure is, where that is fewer than the published one's."""
    currency: str = DEFAULT_CURRENCY
    """Of the money."""

    @property
    def in_words(self) -> str:
        """As in "crosses GPT-2 124M (3.42496) at 2.10 billion tokens, 23 min 00 s, 1.20 USD"."""
        places = [f"{count(self.tokens)} tokens"]
        places += [] if self.seconds is None else [duration(self.seconds)]
        places += [] if self.money is None else [money_text(self.money, self.currency)]
        verb = "is above" if self.higher_is_better else "is below"
        verb = verb if self.is_first_measurement else "crosses"
        ending = ", its first measurement" if self.is_first_measurement else ""
        ending += "" if self.items is None else f", by the first {self.items:,} items only"
        return f"{verb} {self.line} ({self.level:g}) at {', '.join(places)}{ending}"


def crossing(
    rows: Sequence[dict[str, Any]],
    line: PublishedLine,
    *,
    price_per_hour: float | None,
    currency: str = DEFAULT_CURRENCY,
    items: int | None = None,
) -> Crossing | None:
    """The last passage to the better side, by a straight line between two measurements; None where there is none yet.

    The last one counts because a loss that comes back above the line has not beaten it.
    """
    sign = -1.0 if line.higher_is_better else 1.0
    measured = [
        (row["tokens"], row.get("elapsed_seconds"), sign * row[line.measure])
        for row in rows
        if row.get(line.measure) is not None and row.get("tokens") is not None
    ]
    level = sign * line.value
    if not measured or measured[-1][2] > level:
        return None
    worse = max((place for place, (_, _, figure) in enumerate(measured) if figure > level), default=None)
    if worse is None:
        tokens, seconds, _ = measured[0]
    else:
        (tokens, seconds, before), (later, later_seconds, after) = measured[worse : worse + 2]
        fraction = (before - level) / (before - after)
        tokens += fraction * (later - tokens)
        if seconds is not None:
            seconds = None if later_seconds is None else seconds + fraction * (later_seconds - seconds)
    return Crossing(
        line=line.label,
        measure=line.measure,
        level=line.value,
        tokens=tokens,
        seconds=seconds,
        money=None if price_per_hour is None or seconds is None else price_per_hour * seconds / 3600,
        is_first_measurement=worse is None,
        higher_is_better=line.higher_is_better,
        items=items,
        currency=currency,
    )
