"""Imports go down the floors: a module imports from floors below its own, never from a sibling or from above."""

import ast

import pytest
from house import FLOORS, IMPORTS, PLANNED
from imports import imported_names

WITHOUT_TORCH = {"errors", "storage", "tokenizer", "records", "references", "plots", "markup", "kernels"}
FILES_AND_NETWORK = {"huggingface_hub", "io", "os", "pathlib", "requests", "safetensors", "shutil", "socket", "urllib"}


def package_of(name: str) -> str:
    return name.split(".")[1]


def in_floors(modules: dict[str, ast.Module]) -> dict[str, ast.Module]:
    return {name: tree for name, tree in modules.items() if name not in ("gpt25", "gpt25.__main__")}


def test_imports_only_go_down(modules: dict[str, ast.Module]) -> None:
    wrong = []
    for name, tree in in_floors(modules).items():
        package = package_of(name)
        assert package in IMPORTS, f"gpt25/{package} stands on no floor: add it to the table in docs/design.md and here"
        for imported in imported_names(tree):
            if not imported.startswith("gpt25."):
                continue
            other = package_of(imported)
            if other not in IMPORTS[package] | {package}:
                wrong.append(f"{name} imports {imported}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", sorted(WITHOUT_TORCH))
def test_floor_never_imports_torch(modules: dict[str, ast.Module], package: str) -> None:
    for name, tree in in_floors(modules).items():
        if package_of(name) == package:
            assert not {imported for imported in imported_names(tree) if imported.split(".")[0] == "torch"}, name


def test_model_is_pure_computation(modules: dict[str, ast.Module]) -> None:
    for name, tree in in_floors(modules).items():
        if package_of(name) == "model":
            assert not {imported for imported in imported_names(tree) if imported.split(".")[0] in FILES_AND_NETWORK}, (
                name
            )


def test_the_entry_module_only_starts_the_command_line(modules: dict[str, ast.Module]) -> None:
    assert imported_names(modules["gpt25.__main__"]) == {"gpt25.cli.start.start"}


def test_arrows_of_the_table_go_down() -> None:
    floor_of = {package: floor for floor, packages in enumerate(FLOORS) for package in packages}
    assert set(floor_of) == set(IMPORTS)
    for package, others in IMPORTS.items():
        for other in others:
            assert floor_of[other] < floor_of[package], f"{package} -> {other}"


def test_packages_are_the_table_s(modules: dict[str, ast.Module]) -> None:
    there = {package_of(name) for name in in_floors(modules)}
    assert there == set(IMPORTS) - PLANNED
