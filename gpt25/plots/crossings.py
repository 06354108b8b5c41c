"""Where a measured loss passes below a published one for good."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpt25.plots.published_lines import PublishedLine
from gpt25.plots.wording import count, duration


@dataclass(frozen=True)
class Crossing:
    """From here on no measurement so far lies above the line."""

    line: str
    """Whose line."""
    level: float
    tokens: float
    seconds: float | None
    money: float | None
    """At the price per hour that was given."""
    is_first_measurement: bool
    """The run was below at its first measurement, so that the crossing is there or earlier."""

    @property
    def in_words(self) -> str:
        """As in "crosses GPT-2 124M (3.42496) at 2.10 billion tokens, 23 min 00 s, 1.20 USD"."""
        places = [f"{count(self.tokens)} tokens"]
        places += [] if self.seconds is None else [duration(self.seconds)]
        places += [] if self.money is None else [f"{self.money:,.2f} USD"]
        verb = "is below" if self.is_first_measurement else "crosses"
        ending = ", its first measurement" if self.is_first_measurement else ""
        return f"{verb} {self.line} ({self.level:g}) at {', '.join(places)}{ending}"


def crossing(rows: Sequence[dict[str, Any]], line: PublishedLine, *, price_per_hour: float | None) -> Crossing | None:
    """The last passage from above to below, by a straight line between two validations; None where there is none yet.

    The last one counts because a loss that comes back above the line has not beaten it.
    """
    measured = [
        (row["tokens"], row.get("elapsed_seconds"), row["validation_loss"])
        for row in rows
        if row.get("validation_loss") is not None and row.get("tokens") is not None
    ]
    if not measured or measured[-1][2] > line.value:
        return None
    above = max((place for place, (_, _, loss) in enumerate(measured) if loss > line.value), default=None)
    if above is None:
        tokens, seconds, _ = measured[0]
    else:
        (tokens, seconds, high), (later, later_seconds, low) = measured[above : above + 2]
        share = (high - line.value) / (high - low)
        tokens += share * (later - tokens)
        if seconds is not None:
            seconds = None if later_seconds is None else seconds + share * (later_seconds - seconds)
    money = None if price_per_hour is None or seconds is None else price_per_hour * seconds / 3600
    return Crossing(line.label, line.value, tokens, seconds, money, is_first_measurement=above is None)
