"""Imports go down the floors: a module imports from floors below its own, never from a sibling or from above."""

import ast

import pytest

GROUND = {"errors"}
NOUNS = {"model", "tokenizer", "records", "references"}
ALLOWED = {
    "errors": set(),
    "runtime": GROUND,
    "storage": GROUND,
    "model": GROUND,
    "tokenizer": GROUND | {"storage"},
    "records": GROUND | {"storage"},
    "references": GROUND,
    "data": GROUND | {"runtime", "storage", "tokenizer"},
    "weights": GROUND | {"storage", "model", "tokenizer", "records"},
    "training": GROUND | {"runtime", "storage", "model", "tokenizer", "records", "data", "weights"},
    "generation": GROUND | {"runtime", "model", "tokenizer"},
    "inspection": GROUND | {"runtime", "model", "tokenizer"},
    "evaluation": GROUND | {"runtime", "model", "tokenizer", "references", "data"},
    "plots": GROUND | {"storage", "records", "references"},
}
ALLOWED["recipes"] = GROUND | {"runtime", "storage"} | NOUNS | (set(ALLOWED) - {"errors", "runtime", "storage"} - NOUNS)
ALLOWED["server"] = GROUND | {"runtime", "weights", "generation", "inspection", "model", "tokenizer", "records"}
ALLOWED["server"] |= {"references"}
ALLOWED["cli"] = set(ALLOWED)
"""For every package, the packages of gpt25 that it may import besides itself."""

WITHOUT_TORCH = {"errors", "storage", "tokenizer", "records", "references", "plots"}
FILES_AND_NETWORK = {"huggingface_hub", "io", "os", "pathlib", "requests", "safetensors", "shutil", "socket", "urllib"}


def imports(tree: ast.Module) -> set[str]:
    """Every dotted name that a module imports, also inside functions and under TYPE_CHECKING."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def package_of(name: str) -> str:
    return name.split(".")[1]


def in_floors(modules: dict[str, ast.Module]) -> dict[str, ast.Module]:
    return {name: tree for name, tree in modules.items() if name not in ("gpt25", "gpt25.__main__")}


def test_imports_only_go_down(modules: dict[str, ast.Module]) -> None:
    wrong = []
    for name, tree in in_floors(modules).items():
        package = package_of(name)
        assert package in ALLOWED, f"gpt25/{package} stands on no floor: add it to the table in docs/design.md and here"
        for imported in imports(tree):
            if not imported.startswith("gpt25."):
                continue
            other = package_of(imported)
            if other not in ALLOWED[package] | {package, "__version__"}:
                wrong.append(f"{name} imports {imported}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", sorted(WITHOUT_TORCH))
def test_floor_never_imports_torch(modules: dict[str, ast.Module], package: str) -> None:
    for name, tree in in_floors(modules).items():
        if package_of(name) == package:
            assert not {imported for imported in imports(tree) if imported.split(".")[0] == "torch"}, name


def test_model_is_pure_computation(modules: dict[str, ast.Module]) -> None:
    for name, tree in in_floors(modules).items():
        if package_of(name) == "model":
            assert not {imported for imported in imports(tree) if imported.split(".")[0] in FILES_AND_NETWORK}, name


def test_the_entry_module_only_starts_the_command_line(modules: dict[str, ast.Module]) -> None:
    assert imports(modules["gpt25.__main__"]) == {"gpt25.cli.main.entry_point"}


def test_table_has_no_cycle() -> None:
    below = {package: set(others) for package, others in ALLOWED.items()}
    while below:
        ground = {package for package, others in below.items() if not others}
        assert ground, f"these import each other: {sorted(below)}"
        below = {package: others - ground for package, others in below.items() if package not in ground}
