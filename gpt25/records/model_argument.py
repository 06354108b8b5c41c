"""The "@" in a MODEL argument: what it names, and which checkpoint or revision of it."""

from gpt25.storage import exists


def split_model_argument(argument: str) -> tuple[str, str | None]:
    """Split at the last "@": "runs/first@best" -> ("runs/first", "best"), "gpt2" -> ("gpt2", None).

    A path that is there is a name as it stands, whatever its own "@". Either half may be empty where it is wrong.
    """
    name, at, which = argument.rpartition("@")
    return (name, which) if at and not exists(argument) else (argument, None)
