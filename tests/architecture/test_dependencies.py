"""What pyproject.toml declares is what the code imports, and doctor's tables agree with it."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

from gpt25.cli.commands.doctor import CORE_PACKAGES, EXTRAS

PACKAGE_OF_MODULE = {
    "charset_normalizer": "charset-normalizer",
    "huggingface_hub": "huggingface-hub",
    "lm_eval": "lm-eval",
    "mlflow": "mlflow-skinny",
    "prometheus_client": "prometheus-client",
    "prompt_toolkit": "prompt-toolkit",
    "tensorflow": "tensorflow-cpu",
    "tomli_w": "tomli-w",
}
EXTRAS_OF_TOOLS = {"dev", "docs", "notebooks"}  # what works on the repository, and is no part of the package
PACKAGES_OF_EXTRAS = {"gpt25.kernels": "fast", "gpt25.server": "serve"}
"""Packages that nobody imports without an extra."""
PLANNED_EXTRAS: set[str] = set()
PLANNED_PACKAGES: set[str] = set()
"""Extras and packages of extras whose code comes later; take one out when its code is there."""


def house_imports(nodes: list[ast.stmt]) -> set[str]:
    """Packages of the house that these statements import, as gpt25.NAME."""
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {".".join(name.split(".")[:2]) for name in found if name.startswith("gpt25.")}


@pytest.fixture(scope="module")
def project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements: list[str]) -> set[str]:
    return {re.match(r"[\w.-]+", requirement)[0] for requirement in requirements}


def third_parties(nodes: list[ast.stmt]) -> set[str]:
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.split(".")[0])
    found -= {*sys.stdlib_module_names, "gpt25"}
    return {PACKAGE_OF_MODULE.get(name, name) for name in found}


def test_every_import_is_declared(modules: dict[str, ast.Module], project: dict) -> None:
    declared = names(project["dependencies"])
    for extra, requirements in project["optional-dependencies"].items():
        declared |= names(requirements) if extra not in EXTRAS_OF_TOOLS else set()
    for name, tree in modules.items():
        assert third_parties(list(ast.walk(tree))) <= declared, name


def test_extras_are_imported_only_where_they_are_used(modules: dict[str, ast.Module], project: dict) -> None:
    core = names(project["dependencies"])
    for name, tree in modules.items():
        package = ".".join(name.split(".")[:2])
        extra = PACKAGES_OF_EXTRAS.get(package)
        allowed = core | names(project["optional-dependencies"][extra]) if extra and name != package else core
        assert third_parties(tree.body) <= allowed, f"{name} imports an extra's package when it is itself imported"
        for other in PACKAGES_OF_EXTRAS.keys() - {package}:
            assert other not in house_imports(tree.body), f"{name} imports {other}, and with it an extra"


def test_no_core_dependency_is_unused(modules: dict[str, ast.Module], project: dict) -> None:
    used = set().union(*(third_parties(list(ast.walk(tree))) for tree in modules.values()))
    assert names(project["dependencies"]) - used == set()


def test_no_extra_is_unused(modules: dict[str, ast.Module], project: dict) -> None:
    used = set().union(*(third_parties(list(ast.walk(tree))) for tree in modules.values()))
    for extra, requirements in project["optional-dependencies"].items():
        if extra not in EXTRAS_OF_TOOLS | PLANNED_EXTRAS:
            assert names(requirements) - used - PLANNED_PACKAGES == set(), extra


def test_transformers_is_an_oracle_only(modules: dict[str, ast.Module]) -> None:
    for name, tree in modules.items():
        assert "transformers" not in third_parties(list(ast.walk(tree))), name


def test_doctor_knows_every_dependency(project: dict) -> None:
    assert set(CORE_PACKAGES) == names(project["dependencies"])
    assert {extra: set(packages) for extra, (packages, _) in EXTRAS.items()} == {
        extra: names(requirements) for extra, requirements in project["optional-dependencies"].items()
    }


def test_constraints_pin_every_dependency_exactly(root: Path, project: dict) -> None:
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+", pin) for pin in pins), pins
    assert "torch==2.13.0" in pins
    pinned = {pin.partition("==")[0] for pin in pins}
    wanted = names(project["dependencies"]) | names(project["optional-dependencies"]["dev"])
    assert wanted - pinned == set()
