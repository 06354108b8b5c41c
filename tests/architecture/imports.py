"""What a module imports, read from its syntax tree: inside functions and under TYPE_CHECKING too."""

import ast
from collections.abc import Mapping


def imported_names(tree: ast.Module) -> set[str]:
    """Every dotted name that a module imports: `from gpt25.data import prepare` is gpt25.data.prepare."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def imported_modules(modules: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """For every module the modules of the package that it imports: {"gpt25.data": {"gpt25.data.shards.batches", …}}.

    A name that is no module itself counts as the module that it is imported from.
    """
    graph = {}
    for name, tree in modules.items():
        found = {each if each in modules else each.rpartition(".")[0] for each in imported_names(tree)}
        graph[name] = {each for each in found if each in modules and each != name}
    return graph


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of modules that can be reached from one another; empty where there is no circle.

    circles({"a": {"b"}, "b": {"a"}, "c": {"a"}}) -> [["a", "b"]]
    """
    reached = {name: _reached_from(name, graph) for name in graph}
    groups = {tuple(sorted(other for other in reached[name] if name in reached[other])) for name in graph}
    return [list(group) for group in sorted(groups) if group]


def _reached_from(start: str, graph: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [*graph[start]]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph[name]
    return found
