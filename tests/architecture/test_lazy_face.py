"""The faces of the packages: names that come when they are used, from where the face says, and never files."""

import ast
import subprocess
import sys
from importlib import import_module

import pytest

LAZY = ("data", "evaluation", "generation", "inspection", "model", "plots", "recipes", "runtime", "training", "weights")


def promised(tree: ast.Module) -> dict[str, str]:
    """What the face shows to type checkers: every name and its module, {"GPTModel": "gpt25.model.gpt", …}."""
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    return {
        alias.name: str(node.module) for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }


@pytest.mark.parametrize("package", [f"gpt25.{name}" for name in LAZY])
def test_every_name_is_what_type_checkers_are_shown(package: str, modules: dict[str, ast.Module]) -> None:
    face = import_module(package)
    homes = {name: f"{package}.{home}" for name, home in face._homes.items()}
    assert homes == promised(modules[package])
    assert sorted(homes) == sorted(face.__all__)
    for name, home in homes.items():
        assert getattr(face, name) is getattr(import_module(home), name)
    assert set(dir(face)) >= {*homes, "__all__"}


@pytest.mark.parametrize("first", ["import gpt25.recipes.quickstart", "from gpt25.recipes import quickstart"])
def test_a_name_is_never_the_file_that_bears_it_too(first: str) -> None:
    code = (
        f"{first}\n"
        "import gpt25.recipes.quickstart\n"
        "from gpt25.recipes import quickstart\n"
        "import gpt25.recipes as recipes\n"
        "print(type(quickstart).__name__, quickstart is recipes.quickstart)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "function True", done.stdout + done.stderr


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'gpt25.model' has no attribute 'GPT5'"):
        import_module("gpt25.model").GPT5  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'GPT5'"):
        from gpt25.model import GPT5  # type: ignore[attr-defined]  # noqa: F401


def test_a_face_loads_nothing_of_its_package() -> None:
    code = (
        "import sys\n"
        f"for name in {LAZY}: __import__('gpt25.' + name)\n"
        "from gpt25.model import GPTConfiguration\n"
        "from gpt25.recipes import load_recipe\n"
        "load_recipe('quickstart')\n"
        "print([name for name in ('torch', 'numpy', 'matplotlib', 'tiktoken') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
