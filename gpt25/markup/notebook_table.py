"""How an object shows itself in a notebook: a small table that takes its colours from the page around it."""

from collections.abc import Sequence
from typing import Any

from gpt25.markup.html_text import text

_LEFT, _RIGHT = "text-align:left", "text-align:right"


def notebook_table(title: str, rows: Sequence[Sequence[Any]], *, columns: Sequence[str] = (), note: str = "") -> str:
    """A <table> under a title: the first cell of a row is its heading, cells that are None stay empty.

    columns: headings of the columns, none without them; below headings, numbers stand on the right. note: a sentence
    below the table. Everything is escaped, and whole numbers have separators:
    notebook_table("Model", [["parameters", 124439808]]) shows 124,439,808.
    """
    head = "".join(f'<th style="{_LEFT}">{text(column)}</th>' for column in columns)
    body = "".join(
        f'<tr><th style="{_LEFT}">{_shown(row[0])}</th>'
        + "".join(_cell(value, aligned=bool(columns)) for value in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<table><caption style="caption-side:top;{_LEFT}"><strong>{text(title)}</strong></caption>'
        + (f"<thead><tr>{head}</tr></thead>" if columns else "")
        + f"<tbody>{body}</tbody></table>"
        + (f"<p><small>{text(note)}</small></p>" if note else "")
    )


def _cell(value: Any, *, aligned: bool) -> str:
    is_number = aligned and isinstance(value, int | float) and not isinstance(value, bool)
    return f'<td style="{_RIGHT if is_number else _LEFT}">{_shown(value)}</td>'


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return text(f"{value:.4g}" if isinstance(value, float) else value)
