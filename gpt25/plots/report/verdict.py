"""The report's section on who is better: every figure of two models with its test, and what it cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpt25.markup import text
from gpt25.plots.report.figures import table


@dataclass(frozen=True)
class VerdictRow:
    """One figure of both models."""

    name: str
    ours: float
    opponent: float
    difference: float
    standard_error: float | None
    p_value: float | None
    verdict: str
    definition: str
    test: str


@dataclass(frozen=True)
class VerdictSection:
    """All figures, and what they came to."""

    sentence: str
    opponent: str
    rows: Sequence[VerdictRow]
    cost: str
    """Tokens, hours and money, in words."""
    note: str
    """What the tests leave out."""
    commands: Sequence[str]


def verdict(section: VerdictSection | None) -> str:
    """The verdict in words, a table of its figures, and what would have to be typed to repeat it."""
    if section is None:
        return ""
    rows = "".join(_row(each) for each in section.rows)
    heads = ("figure", "this model", section.opponent, "difference ± s.e.", "verdict")
    listed = table(heads, rows).replace("<table>", '<table class="scores">')
    commands = text("\n".join(section.commands))
    return (
        f"<section><h2>Verdict</h2><p><strong>{text(section.sentence)}</strong></p>{listed}"
        f'<p class="note">{text(section.cost)}. {text(section.note)}</p>'
        f'<h3>To repeat it</h3><pre class="commands">{commands}</pre></section>'
    )


def _row(row: VerdictRow) -> str:
    spread = "" if row.standard_error is None else f" ± {row.standard_error:.2g}"
    p_value = "" if row.p_value is None else f", p = {row.p_value:.2g}"
    return (
        f"<tr><th>{text(row.name)}<small>{text(row.definition)}</small></th><td>{row.ours:.4f}</td>"
        f"<td>{row.opponent:.4f}</td><td>{row.difference:+.4f}{text(spread)}<small>{text(row.test)}{p_value}</small></td>"
        f"<td>{text(row.verdict)}</td></tr>"
    )
