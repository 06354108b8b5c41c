"""The benchmark of Muon's step, with real ranks, on a small shape."""

from pathlib import Path
from typing import Any

RECIPE = """
[model]
block_size = 32
vocabulary_size = 64
number_of_layers = 1
number_of_heads = 1
number_of_embedding_dimensions = 32

[batch]
tokens_per_update = 128

[optimizer]
name = "muon"
"""


def test_every_mode_is_measured_and_its_bytes_are_said(scripts: Any, tmp_path: Path) -> None:
    recipe = tmp_path / "small.toml"
    recipe.write_text(RECIPE)
    arguments = ["--shape", str(recipe), "--ranks", "2", "--rounds", "1", "--options", "none", "all"]
    lines = scripts.run("muon_sharing", *arguments).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert [row[:2] for row in rows] == [["2", "none"], ["2", "all"]]
    assert all(float(row[2]) > 0 for row in rows)
    for row in rows:
        # One oblong and two square matrices of 4 B an element go from each of two ranks: 4 x 6 x 32 x 32 = 24,576.
        assert float(row[3]) > 0
        assert row[5] == "25"
