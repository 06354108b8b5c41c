"""Rooms inside a floor: arrows between them go one way, none is a hall, and no two files import each other anywhere."""

import ast
from pathlib import Path

import pytest
from draw_house import PICTURE, drawing
from house import MOST_FILES_OF_A_ROOM, ROOMS
from imports import circles, imported_modules


def place_of(module: str) -> tuple[str, str | None]:
    """Package and room of a module: gpt25.data.shards.batches -> ("data", "shards"); None beside the rooms."""
    _, package, *rest = module.split(".")
    return package, rest[0] if rest and rest[0] in ROOMS.get(package, {}) else None


def test_rooms_are_the_table_s(root: Path) -> None:
    there = {(path.parent.parent.name, path.parent.name) for path in (root / "gpt25").glob("*/*/__init__.py")}
    assert there == {(package, room) for package, rooms in ROOMS.items() for room in rooms}


def test_arrows_between_rooms_are_the_table_s(modules: dict[str, ast.Module]) -> None:
    wrong, used = [], set()
    for name, others in imported_modules(modules).items():
        for other in others:
            if name.count(".") < 2 or other.count(".") < 2:
                continue
            (package, room), (other_package, other_room) = place_of(name), place_of(other)
            if package != other_package or room is None or other_room in (None, room):
                continue
            used.add((package, room, other_room))
            if other_room not in ROOMS[package][room]:
                wrong.append(f"{name} imports {other}")
    assert not wrong, "\n".join(wrong)
    allowed = {(package, room, other) for package, rooms in ROOMS.items() for room in rooms for other in rooms[room]}
    assert allowed == used, "the table allows arrows that no file needs"


def test_rooms_stand_in_their_order() -> None:
    for package, rooms in ROOMS.items():
        names = list(rooms)
        for place, room in enumerate(names):
            assert rooms[room] <= set(names[:place]), f"{package}/{room} looks at a room above it"


def test_no_circle_between_files(modules: dict[str, ast.Module]) -> None:
    assert circles(imported_modules(modules)) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("from gpt25.b import y", "def f():\n    from gpt25.a import x"),
        ("import gpt25.b", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from gpt25 import a"),
    ],
)
def test_a_circle_is_found(first: str, second: str) -> None:
    planted = {"gpt25": ast.parse(""), "gpt25.a": ast.parse(first), "gpt25.b": ast.parse(second)}
    assert circles(imported_modules(planted)) == [["gpt25.a", "gpt25.b"]]
    assert circles(imported_modules(planted | {"gpt25.b": ast.parse("")})) == []


def test_no_folder_is_a_hall(root: Path) -> None:
    folders = [path.parent for path in (root / "gpt25").rglob("__init__.py")]
    files = {
        str(folder.relative_to(root)): len([path for path in folder.glob("*.py") if path.name != "__init__.py"])
        for folder in folders
    }
    assert {folder: count for folder, count in files.items() if count > MOST_FILES_OF_A_ROOM} == {}


def test_every_room_says_what_lives_there(modules: dict[str, ast.Module]) -> None:
    for package, rooms in ROOMS.items():
        for room in rooms:
            said = ast.get_docstring(modules[f"gpt25.{package}.{room}"])
            assert said, f"gpt25/{package}/{room}/__init__.py says nothing"
            assert said.splitlines()[0].endswith("."), said


def test_the_picture_is_the_table_s() -> None:
    assert PICTURE.read_text(encoding="utf-8") == drawing(), "python tests/architecture/draw_house.py draws it again"
