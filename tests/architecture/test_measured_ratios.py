"""Every ratio of the README's last table is the quotient of two figures in the log of measurements."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


class Table(NamedTuple):
    """The table of an entry of the log."""

    page: str
    heading: str

    def figure(self, row: str, column: int) -> float:
        """The first number in a cell of the row that begins so; an empty first cell reads as the one above it."""
        text = (ROOT / "docs" / "log" / f"{self.page}.md").read_text(encoding="utf-8")
        entry = text.partition(f": {self.heading}\n")[2].partition("\n## ")[0]
        above = [""]
        for line in re.findall(r"^\|.*", entry, flags=re.M):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            cells[0] = cells[0] or above[0]
            if " | ".join(cells).startswith(row):
                return float(re.search(r"\d[\d,]*(\.\d+)?", cells[column])[0].replace(",", ""))
            above = cells
        raise AssertionError(f"{self.heading} has no row {row!r}")


Cell = tuple[str, int]
GENERATION = Table("models", "generation on a processor beside the others, three rounds on a quiet machine")
TRAINING = Table("training_speed", "training speed and memory beside transformers, in bfloat16")
SCORING = Table("evaluation", "scoring speed beside lm-evaluation-harness, the 500 items again")
LOADING = Table("models", "from a cold process to the first logits, beside transformers")
FIRST_TOKEN = Table("models", "the first token without torch")
LARGE, SMALL = "124M, 4 x 1024, bfloat16", "quickstart, bfloat16"
OURS, PEER, SCORED = "gpt25", "transformers, AdamW", "500 (2,000 pairs)"

RATIOS: dict[str, tuple[Table, list[tuple[Cell, Cell]]]] = {
    "text, float32, 1 / 8 / 32 at a time": (
        GENERATION,
        [(("gpt25 float32", texts), ("transformers float32", texts)) for texts in (1, 3, 5)],
    ),
    "the same | llama.cpp": (
        GENERATION,
        [(("gpt25 float32", texts), ("llama.cpp float16", texts)) for texts in (1, 3, 5)],
    ),
    "text, int8, 1 / 8 / 32 at a time": (
        GENERATION,
        [
            (("gpt25 int8", 1), ("llama.cpp q8_0", 1)),
            (("gpt25 int8", 3), ("llama.cpp float16", 3)),
            (("gpt25 int8", 5), ("ctranslate2 int8", 5)),
        ],
    ),
    "training a 124M": (
        TRAINING,
        [
            ((f"{LARGE} | {OURS}, {optimizer}", column), (f"{LARGE} | {PEER}", column))
            for column in (2, 4)
            for optimizer in ("AdamW", "Muon")
        ],
    ),
    "the same at the quickstart's size": (
        TRAINING,
        [
            ((f"{SMALL} | {OURS}, {optimizer}", column), (f"{SMALL} | {PEER}", column))
            for column in (2, 4)
            for optimizer in ("AdamW", "Muon")
        ],
    ),
    "HellaSwag": (SCORING, [((f"{SCORED} | lm-eval, batch size 16", 2), (f"{SCORED} | {OURS}", 2))]),
    "`gpt25 generate` to its first token": (
        FIRST_TOKEN,
        [
            (("transformers, float32", 1), ("`gpt25 generate`, float32", 1)),
            (("transformers, float32", 1), ("`gpt25 generate`, int8", 1)),
        ],
    ),
    "a cold start": (LOADING, [(("processor seconds", 2), ("processor seconds", 1)), (("loading", 2), ("loading", 1))]),
}


def rows() -> Iterator[str]:
    """The rows of the README's table of ratios that have one."""
    table = README.partition("| beside | ratio |")[2].partition("\n\n")[0]
    for line in table.splitlines():
        if re.search(r"\d", line.split("|")[3] if line.count("|") > 3 else ""):
            yield line.strip("| ")


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row.split("|")[0].strip())
def test_a_ratio_of_the_readme_is_the_log_s(row: str) -> None:
    (name,) = [name for name in RATIOS if row.startswith(name)] or [None]
    assert name is not None, f"add {row!r} here, with the cells of the log that it comes from"
    table, quotients = RATIOS[name]
    said = re.findall(r"\d+\.\d+", row.split("|")[2])
    assert len(said) == len(quotients)
    for figure, (above, below) in zip(said, quotients, strict=True):
        digits = len(figure.partition(".")[2])
        assert float(figure) == round(table.figure(*above) / table.figure(*below), digits)


def test_what_ours_loses_is_in_bold_type() -> None:
    for row in rows():
        speeds = row.split("|")[2].partition(" in ")[0]
        for bold, figure in re.findall(r"(\**)(\d+\.\d+)", speeds):
            assert (bold == "**") == (float(figure) < 1), row


def test_every_quotient_has_its_row() -> None:
    assert {name for name in RATIOS if not any(row.startswith(name) for row in rows())} == set()
