"""The public surface: the names that `from gpt25 import …` promises, no more and no fewer."""

import ast

import pytest

import gpt25

PUBLIC = {
    "GPTConfiguration",
    "GPTModel",
    "TextGenerator",
    "Tokenizer",
    "figures",
    "load_pretrained",
    "save_pretrained",
}
FIGURES = {
    "Report",
    "attention",
    "differences",
    "losses",
    "position_image",
    "positions",
    "predictions",
    "report",
}
FIGURES_OF_CIRCUITS = {
    "ablation",
    "attribution",
    "head_scores",
    "neurons",
    "over_checkpoints",
    "patching",
    "residual",
}


def test_public_names_are_the_promised_ones() -> None:
    assert set(gpt25.__all__) == PUBLIC
    assert set(dir(gpt25)) >= PUBLIC


@pytest.mark.parametrize("name", sorted(FIGURES | FIGURES_OF_CIRCUITS))
def test_figure_exists_and_is_documented(name: str) -> None:
    assert set(gpt25.figures.__all__) == FIGURES | FIGURES_OF_CIRCUITS
    room = "gpt25.figures.circuits" if name in FIGURES_OF_CIRCUITS else "gpt25.figures"
    assert getattr(gpt25.figures, name).__module__ == f"{room}.{name.lower()}" or name == "position_image"
    assert getattr(gpt25.figures, name).__doc__


@pytest.mark.parametrize("name", sorted(PUBLIC - {"figures"}))
def test_public_name_exists_and_is_documented(name: str) -> None:
    thing = getattr(gpt25, name)
    assert thing.__name__ == name
    assert thing.__doc__
    assert thing.__module__.startswith("gpt25.")


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'gpt25' has no attribute 'GPT5'"):
        gpt25.GPT5  # noqa: B018


def test_every_package_lists_names_that_it_has(modules: dict[str, ast.Module]) -> None:
    for name, tree in modules.items():
        listed = [
            ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ]
        for names in listed:
            assert len(names) == len(set(names)), f"{name}.__all__ repeats itself"
            bound = {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
                     for alias in node.names}  # fmt: skip
            bound |= {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
            assert set(names) <= bound, f"{name}.__all__ promises {sorted(set(names) - bound)}"
