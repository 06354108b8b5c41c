"""Which models there are."""

from collections.abc import Sequence

from gpt25.server.registry.served_model import ServedModel


class Registry:
    """The models of a server by name: empty while they load, fixed from then on."""

    def __init__(self) -> None:
        self._models: dict[str, ServedModel] = {}

    @property
    def models(self) -> tuple[ServedModel, ...]:
        """All of them, in the order in which they were named."""
        return tuple(self._models.values())

    def fill(self, models: Sequence[ServedModel]) -> None:
        """Take in the models once they are loaded."""
        self._models = {model.name: model for model in models}

    def find(self, name: str) -> ServedModel | None:
        """The model that is called so; nothing but the names that were given at the start is looked at."""
        return self._models.get(name)
