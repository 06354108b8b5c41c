"""A package's face: public names that are imported from their files when they are first used."""

from importlib import import_module
from sys import modules
from types import ModuleType

TYPE_CHECKING = False  # the name that type checkers know, without the time that importing typing takes
if TYPE_CHECKING:
    from collections.abc import Mapping


class _LazyFace(ModuleType):
    """A package whose names come when they are asked for, and which never shows a file in the place of a name."""

    _homes: "Mapping[str, str]"

    def __getattr__(self, name: str) -> object:
        if name not in self._homes:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{self.__name__}.{self._homes[name]}"), name)
        self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: object) -> None:
        # Python binds a file that was imported to its package: gpt25.recipes.quickstart would be the file, or the
        # function in it, by what somebody imported before.
        if isinstance(value, ModuleType) and self._homes.get(name) == name:
            value = getattr(value, name)
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *self._homes})


def lazy_face(package: str, homes: "Mapping[str, str]") -> None:
    """Let a package import its public names when they are first used.

    homes: for every name the module below the package that defines it: lazy_face("gpt25.model", {"GPTModel": "gpt"}).
    A name never means the file that bears it too, whichever of them was imported first.
    """
    face = modules[package]
    face.__dict__["_homes"] = dict(homes)
    face.__class__ = _LazyFace
