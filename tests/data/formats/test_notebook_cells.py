"""Of a notebook the cells are read, without what they put out."""

import json
from pathlib import Path

import pytest

from gpt25.data import read_documents
from gpt25.errors import DataError

CELLS = [
    {"cell_type": "markdown", "source": ["# Title\n", "and prose\n"]},
    {
        "cell_type": "code",
        "source": "x = 1\nprint(x)",
        "outputs": [{"text": ["not read"], "data": {"image/png": "aaaa"}}],
    },
    {"cell_type": "code", "source": []},
    {"cell_type": "raw", "source": "raw 猫"},
]
TEXT = "# Title\nand prose\n\nx = 1\nprint(x)\n\nraw 猫\n"


def read(path: Path) -> list[str]:
    return [document.content.decode() for document in read_documents([path])]


def test_the_sources_of_all_cells_are_one_document(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": CELLS, "metadata": {}, "nbformat": 4}))
    assert read(tmp_path) == [TEXT]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [], "nbformat": 4}))
    assert read(tmp_path) == []


def test_the_older_format_is_read(tmp_path: Path) -> None:
    cells = [{"cell_type": "heading", "source": "Title"}, {"cell_type": "code", "input": ["x = 1"], "outputs": []}]
    (tmp_path / "a.ipynb").write_text(json.dumps({"worksheets": [{"cells": cells}], "nbformat": 3}))
    assert read(tmp_path) == ["Title\n\nx = 1\n"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"a\.ipynb is not JSON"),
        ("[1]", r"a\.ipynb is no notebook: it has no list of cells\. Save it again"),
        ("{}", r"a\.ipynb is no notebook"),
        ('{"cells": [{"source": "a"}, {"source": 3}]}', r"a\.ipynb, cell 2, has no source\. Save it again"),
    ],
)
def test_what_is_no_notebook_is_named(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.ipynb").write_text(content)
    with pytest.raises(DataError, match=message):
        read(tmp_path)
