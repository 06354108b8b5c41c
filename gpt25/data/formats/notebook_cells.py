"""The cells of a Jupyter notebook: what its author wrote, without outputs and their pictures."""

from typing import Any

from gpt25.errors import DataError
from gpt25.storage.reading.json_values import parse_json

_ADVICE = "Save it again in Jupyter, or take it out of the sources."


def notebook_text(content: str, *, where: str) -> str:
    r"""The sources of all cells in their order, prose and code alike, with a blank line between them.

    notebook_text('{"cells": [{"source": ["# One"]}, {"source": "x = 1"}]}', where="a") -> "# One\n\nx = 1\n". Those of
    the older format 3, in worksheets, are read too. Raises DataError beginning with `where`.
    """
    notebook = parse_json(content, where=where, error=DataError)
    sheets = notebook.get("worksheets") if isinstance(notebook, dict) else None
    cells = [cell for sheet in [notebook, *(sheets if isinstance(sheets, list) else [])] for cell in _cells_of(sheet)]
    if not cells and not (isinstance(notebook, dict) and "cells" in notebook):
        raise DataError(f"{where} is no notebook: it has no list of cells. {_ADVICE}")
    sources = [_source_of(cell, where=f"{where}, cell {number:,}") for number, cell in enumerate(cells, start=1)]
    text = "\n\n".join(source.strip("\r\n") for source in sources if source.strip())
    return f"{text}\n" if text else ""


def _cells_of(sheet: Any) -> list[Any]:
    cells = sheet.get("cells") if isinstance(sheet, dict) else None
    return cells if isinstance(cells, list) else []


def _source_of(cell: Any, *, where: str) -> str:
    """A cell's text, which is one string or a list of lines; code of format 3 stands in "input"."""
    source = cell.get("source", cell.get("input")) if isinstance(cell, dict) else None
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise DataError(f"{where}, has no source. {_ADVICE}")
    return source
