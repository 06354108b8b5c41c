"""What holds of the package as a whole."""

import ast
from pathlib import Path

import gpt25.inspection


def test_inspection_never_draws() -> None:
    for path in Path(gpt25.inspection.__file__).parent.rglob("*.py"):
        imported = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
        }
        assert "matplotlib" not in imported, path.name


def test_every_function_has_a_docstring_that_names_its_shapes() -> None:
    for name in ("positional_embeddings", "position_similarity", "position_spectrum", "roughness", "attention_weights"):
        documentation = getattr(gpt25.inspection, name).__doc__
        assert "(positions" in documentation or "(layers, heads, time, time)" in documentation, name
